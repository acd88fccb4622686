"""Commands whose work takes a while, and what of their results must be the same however often they were begun."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image

import unblur.benchmark.compare
import unblur.train.start  # noqa: F401 - imported before any fork, so that the work is all that a job does
from tests.conftest import make_chart
from tests.train.tiny import TINY, pictures
from unblur.benchmark.run import ROWS, read_rows
from unblur.cli import main
from unblur.errors import UnblurError
from unblur.train import launch
from unblur.weights import read_weights

Result = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """Some work on a folder."""

    words: Callable[[Path], list[str]]
    """The command line; makes what it reads, where it is not there yet."""
    result: Callable[[Path], Result]
    """What must be equal in the end."""
    torn: Callable[[Path, Result], list[str]]
    """After a kill: files that bear their final names, but are not whole; the result of the work left in peace helps
    to tell.
    """


def work(job: Job, folder: Path) -> None:
    """Do it; ends as the command does, with ``SystemExit``."""
    torch.set_num_threads(1)
    words = job.words(folder)
    often = partial(launch.Schedule, save=3, log=1, validate=5)  # else a training of 30 steps would be saved thrice
    with patch.object(launch, "Schedule", often), patch("sys.argv", ["unblur", *words]):
        main()


def _photographs(folder: Path) -> list[Path]:
    """Six small photographs, the same at every call."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"p{number}.png" for number in range(6)]
    for number, path in enumerate(paths):
        if not path.exists():
            _stored(make_chart(60, 80 + 8 * number), path)
    return paths


def _stored(picture: torch.Tensor, path: Path) -> None:
    Image.fromarray(np.rint(picture[0, 0].numpy() * 255).astype(np.uint8)).save(path)


def _restore(folder: Path) -> list[str]:
    album = folder.parent / "album"
    if not album.exists():
        for number, photo in enumerate(_photographs(folder.parent / "photographs")):
            place = album / ("" if number % 2 else "deeper") / photo.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(photo.read_bytes())
    words = ["restore", str(album), "-o", str(folder / "out"), "--psf", "disk:2", "--method", "saturated-rl"]
    return [*words, "--device", "cpu", "-q"]


def _restored(folder: Path) -> Result:
    return _pictures(folder / "out")


def _unlike(got: Result, expected: Result) -> list[str]:
    return [name for name, content in got.items() if expected.get(name) != content]


def _train(folder: Path) -> list[str]:
    sharp, held = folder.parent / "sharp", folder.parent / "held-out"
    if not sharp.exists():
        sharp.mkdir()
        held.mkdir()
        for number, picture in enumerate(pictures()):
            _stored(picture, sharp / f"{number}.png")
        _stored(pictures()[0], held / "0.png")
        (folder.parent / "tiny.toml").write_text(TINY, encoding="utf-8")
    words = ["train", str(folder.parent / "tiny.toml"), "--photos", str(sharp), "--validation", str(held)]
    return [*words, "-o", str(folder), "--device", "cpu", "--threads", "1"]


def _trained(folder: Path) -> Result:
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    state = torch.load(folder / "last.pt", weights_only=True)
    parts = {name: tensor.numpy().tobytes().hex() for name, tensor in state["parts"].items()}
    files = {name: read_weights(folder / f"{name}.safetensors").card.sha256 for name in ("dcnn", "odcnn")}
    said = ("stage", "step", "loss", "validation")
    return {"rows": [[row[key] for key in said] for row in rows], "step": state["step"], **files, **parts}


def _torn_training(folder: Path, expected: Result) -> list[str]:
    torn = []
    for path in (*folder.glob("*.pt"), *folder.glob("*.safetensors")):
        try:
            if path.suffix == ".pt":
                torch.load(path, weights_only=True)
            elif read_weights(path).card.sha256 != expected[path.stem]:
                torn.append(path.name)
        except (UnblurError, RuntimeError, EOFError) as error:
            torn.append(f"{path.name}: {error}")
    return torn


def _benchmark(folder: Path) -> list[str]:
    photos = _photographs(folder.parent / "photographs")[0].parent
    words = ["benchmark", "--photos", str(photos), "--psf", "disk:2", "--noise", "0.01"]
    return [*words, "--methods", "wiener,saturated-rl,sparse", "--device", "cpu", "-o", str(folder)]


def _benched(folder: Path) -> Result:
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in read_rows(folder / ROWS)]
    report = (folder / "report.md").read_text(encoding="utf-8").partition("\n\nMade by ")[2].partition("\n")[2]
    return {"rows": rows, "report": report, **_pictures(folder)}


def _pictures(folder: Path) -> Result:
    return {str(path.relative_to(folder)): path.read_bytes().hex() for path in sorted(folder.rglob("*.png"))}


def _torn_benchmark(folder: Path, expected: Result) -> list[str]:
    figures = {name: content for name, content in _pictures(folder).items() if name in expected}
    torn = _unlike(figures, expected)
    if (folder / "report.md").exists() and not (folder / "report.md").read_text(encoding="utf-8").endswith("\n"):
        torn.append("report.md")
    return torn


JOBS = {
    "folder": Job(_restore, _restored, lambda folder, expected: _unlike(_restored(folder), expected)),
    "training": Job(_train, _trained, _torn_training),
    "benchmark": Job(_benchmark, _benched, _torn_benchmark),
}
