"""A disk that takes no more: a sentence, the old file as it was, and nothing half-written."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from tests.robust.jobs import JOBS, work
from tests.train.tiny import pictures, tiny_recipe
from unblur.benchmark.run import ROWS
from unblur.cli import app
from unblur.errors import ImageError, PsfError, WeightsError
from unblur.io.picture import Picture
from unblur.io.psf import write_psf
from unblur.io.write import write_picture
from unblur.psf.parametric import disk
from unblur.train.launch import Schedule, train_recipe
from unblur.weights import Card, Weights, write_weights

CPU = torch.device("cpu")
ALL = 10_000
"""More steps than the tiny recipe has."""


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file may grow beyond ``room`` bytes, as on a disk with so much left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def done(kind: str, folder: Path) -> int:
    """Do a job in this process; its exit code."""
    with pytest.raises(SystemExit) as left:
        work(JOBS[kind], folder)
    return int(left.value.code or 0)


def noise(dtype: str) -> Picture:
    """A picture that no format makes small."""
    top = {"uint8": 256, "uint16": 65536}[dtype]
    pixels = np.random.default_rng(0).integers(0, top, (90, 110, 3)).astype(dtype)
    return Picture(pixels=pixels, format="PNG")


@pytest.mark.parametrize(
    ("ending", "dtype"),
    [(e, "uint8") for e in ("png", "jpg", "tif", "webp", "bmp", "avif")] + [("png", "uint16"), ("tif", "uint16")],
)
def test_a_picture_that_finds_no_room_leaves_the_old_one(ending: str, dtype: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text("precious")

    with full_disk(2000), pytest.raises(ImageError, match="cannot be written"):
        write_picture(noise(dtype), path, overwrite=True)

    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "precious"


@pytest.mark.parametrize("ending", ["npy", "tif", "png"])
def test_a_psf_that_finds_no_room_leaves_the_old_one(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text("precious")

    with full_disk(100), pytest.raises(PsfError, match="cannot be written"):
        write_psf(disk(9), path, overwrite=True)

    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "precious"


def test_weights_that_find_no_room_leave_the_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_text("precious")
    card = Card(network="dcnn", sizes={}, psf="", start="", transfer="", recipe={}, photographs=0)

    with full_disk(500), pytest.raises(WeightsError, match="cannot be written"):
        write_weights(path, Weights(card=card, psf=disk(1), tensors={"a": torch.rand(900)}))

    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "precious"


def test_a_command_that_finds_no_room_says_so_in_one_line(tmp_path: Path) -> None:
    photo, sheet = tmp_path / "a.png", tmp_path / "sheet.png"
    Image.fromarray(noise("uint8").pixels).save(photo)
    for words in (
        ["restore", str(photo), "--psf", "disk:2", "--method", "wiener", "-q"],
        ["psf", "show", "disk:3", "-o", str(sheet)],
        ["degrade", str(photo), "--psf", "disk:2", "-o", str(sheet)],
    ):
        with full_disk(3000):
            result = CliRunner().invoke(app, words)

        assert result.exit_code == 2, result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert result.stderr.startswith("unblur: ")
        assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_training_that_finds_no_room_keeps_its_state_and_goes_on_with_room(tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    _train_until(whole, ALL)
    with pytest.raises(RuntimeError, match="enough"):
        _train_until(stopped, 9)
    before = (stopped / "last.pt").read_bytes()

    with full_disk(len(before) // 2), pytest.raises(WeightsError, match="make room"):
        _train_until(stopped, 99)

    assert (stopped / "last.pt").read_bytes() == before
    _train_until(stopped, ALL)
    assert JOBS["training"].result(stopped) == JOBS["training"].result(whole)


def _train_until(folder: Path, steps: int) -> None:
    """Train until so many steps have been seen."""
    seen: list[object] = []

    def watch(step: object) -> None:
        seen.append(step)
        if len(seen) == steps:
            raise RuntimeError("enough")

    train_recipe(
        tiny_recipe(),
        disk(1.5),
        pictures(),
        folder,
        held_out=pictures()[:1],
        device=CPU,
        schedule=Schedule(save=3, log=1, validate=5),
        watch=watch,
    )


def test_a_benchmark_that_finds_no_room_says_so_and_goes_on_with_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job, whole, stopped = JOBS["benchmark"], tmp_path / "whole", tmp_path / "stopped"
    assert done("benchmark", whole) == 0
    stopped.mkdir()
    capsys.readouterr()

    with full_disk((whole / ROWS).stat().st_size * 2 // 3):
        assert done("benchmark", stopped) == 2
    assert "File too large" in capsys.readouterr().err

    assert done("benchmark", stopped) == 0
    assert job.result(stopped) == job.result(whole)
