"""Every command for scripts: ``--json`` gives JSON on stdout and nothing else there, ``--quiet`` gives nothing."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from tests.benchmark.test_suites import photograph
from tests.conftest import make_chart
from tests.train.tiny import TINY, pictures
from unblur.benchmark import tune as tune_module
from unblur.cli import app

SILENT = {"methods", "psf save"}
"""Commands that say nothing but their result, or nothing at all: they have no ``--quiet``."""


@pytest.fixture(autouse=True)
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder with a photograph of a light and an edge, ``a.png``."""
    monkeypatch.chdir(tmp_path)
    picture = make_chart(120, 160)[0, 0].numpy().copy()
    picture[20:61, 90:131] = 0.05
    picture[39:42, 109:112] = 0.9
    Image.fromarray((picture * 255).astype(np.uint8)).save("a.png")
    photograph(tmp_path / "photos" / "p.png", 66, 74)
    (tmp_path / "training").mkdir()
    for number, sharp in enumerate(pictures()[:2]):
        Image.fromarray((sharp[0, 0] * 255).round().byte().numpy()).save(tmp_path / "training" / f"{number}.png")
    Path("tiny.toml").write_text(TINY)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def commands() -> dict[str, Any]:
    """Every command by its words."""
    found: dict[str, Any] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {name: command} if inner is None else {f"{name} {word}": one for word, one in inner.items()}
    return found


@pytest.mark.parametrize("name", commands())
def test_every_command_knows_json_and_quiet(name: str) -> None:
    options = {option for parameter in commands()[name].params for option in parameter.opts}

    assert "--json" in options
    assert name in SILENT or {"-q", "--quiet"} <= options


CALLS: dict[str, tuple[str, set[str]]] = {
    "restore": ("restore a.png --psf disk:2 --method wiener -o out.png", {"photo", "output", "state", "warnings"}),
    "degrade": ("degrade a.png --psf disk:2 -o out.png", {"output", "target", "height", "width", "notes"}),
    "show": ("psf show disk:3 -o out.png", {"height", "width", "centroid", "rank", "picture"}),
    "save": ("psf save disk:3 -o out.npy", {"psf", "height", "width"}),
    "measure": ("psf measure a.png --point 110,40 --alone -o out.npy", {"psf", "size", "x", "y", "repaired"}),
    "estimate": ("psf estimate a.png --size 9 --kind disk -o out.npy", {"psf", "shape", "size", "part"}),
    "benchmark": (
        "benchmark --photos photos --psf disk:2 --methods wiener -o out",
        {"report", "rows", "psnr", "ssim"},
    ),
    "speed": (
        "benchmark --speed --methods wiener --psf disk:2 --megapixels 0.01 --threads 1 --device cpu",
        {"report", "speed"},
    ),
    "reproduce": ("reproduce fig4 --photos photos --methods dcnn --device cpu -o out", {"report", "rows"}),
    "train": ("train tiny.toml --photos training --psf disk:2 -o out", {"run", "finished", "step", "validation"}),
}


@pytest.mark.parametrize("name", CALLS)
def test_json_is_all_that_is_on_stdout(name: str) -> None:
    words, keys = CALLS[name]

    result = run(*words.split(), "--json")

    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert keys <= set(said)
    for key in ("output", "picture", "psf", "report", "rows", "run"):
        assert said.get(key) is None or Path(said[key]).exists()


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ("save", "speed", "train")])
def test_quiet_leaves_stdout_empty(name: str) -> None:
    result = run(*CALLS[name][0].split(), "--quiet")

    assert result.exit_code == 0, result.output
    assert result.stdout == ""


def test_numbers_of_a_benchmark_are_those_of_its_rows() -> None:
    said = json.loads(run(*CALLS["benchmark"][0].split(), "--json").stdout)

    rows = [json.loads(line) for line in Path(said["rows"]).read_text().splitlines()]
    of_wiener = [row["psnr"] for row in rows if row["entry"] == "wiener"]
    assert said["psnr"]["photos"]["wiener"]["disk:2"] == pytest.approx(sum(of_wiener) / len(of_wiener))


def test_tuned_settings_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tune_module.GRIDS, "wiener", {"noise_to_signal": (0.01, 0.04)})
    words = "benchmark --photos photos --psf disk:2 --tune --methods wiener -o out --json"

    said = json.loads(run(*words.split()).stdout)

    assert said["settings"]["wiener"]["noise_to_signal"] in (0.01, 0.04)
    assert Path(said["tuned"]).exists()


def test_recipes_are_listed_for_scripts() -> None:
    assert "odcnn-disk7-small" in json.loads(run("train", "--list", "--json").stdout)


def test_the_page_tells_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    uvicorn = pytest.importorskip("uvicorn")

    class Listening:
        def getsockname(self) -> tuple[str, int]:
            return ("127.0.0.1", 4321)

    monkeypatch.setattr(import_module("unblur.cli.serve"), "_listening", lambda *_: Listening())
    monkeypatch.setattr(uvicorn.Server, "run", lambda *_, **__: None)

    result = run("serve", "--json", "--quiet", "--port", "0")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"address": "http://127.0.0.1:4321/"}
    assert result.stderr == ""


def test_an_error_is_on_stderr_whatever_is_asked_for() -> None:
    result = run("psf", "show", "dsik:3", "--json", "--quiet")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("unblur: ")
