"""``unblur psf estimate``: photographs as files, findings as text and JSON."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from tests.blind.scenes import taken
from unblur.blind.cleanup import alike
from unblur.cli.psf import app
from unblur.colour import encode_srgb
from unblur.estimation import Estimate
from unblur.io.psf import read_psf
from unblur.psf.parametric import disk
from unblur.psf.random import shake_seeded
from unblur.tensors import Image as Light


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def photograph(light: Light, path: str) -> None:
    """Linear light as an 8-bit sRGB file."""
    stored = (encode_srgb(light)[0, 0] * 255).round().to(torch.uint8).numpy()
    Image.fromarray(stored).save(path)


def test_a_shaken_photograph_gives_a_psf_and_a_restored_picture() -> None:
    psf = shake_seeded(9, 3)
    photograph(taken(psf, 100, 110), "a.png")

    result = CliRunner().invoke(
        app, ["estimate", "a.png", "--size", "11", "-o", "k.npy", "--restored", "sharp.png", "--json"]
    )

    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["psf"], said["restored"], said["size"], said["part"]) == ("k.npy", "sharp.png", 11, "0,0,110,100")
    assert alike(read_psf("k.npy"), psf) > 0.8
    with Image.open("sharp.png") as restored:
        assert restored.size == (110, 100)


def test_a_sharp_photograph_gives_a_point_and_is_told_so() -> None:
    photograph(taken(torch.ones(1, 1), 120, 140), "a.png")

    result = CliRunner().invoke(app, ["estimate", "a.png", "--size", "9", "-o", "k.npy"])

    assert result.exit_code == 0, result.output
    assert "it hardly looks blurred" in result.stderr
    assert "delta" in result.stdout
    assert read_psf("k.npy").shape == (1, 1)


def test_a_disk_is_named_and_written_beside_the_photograph() -> None:
    photograph(taken(disk(3.5), 160, 180), "a.png")

    result = CliRunner().invoke(app, ["estimate", "a.png", "--size", "13", "--kind", "disk", "--json"])

    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    family, _, radius = said["shape"].partition(":")
    assert family == "disk"
    assert float(radius) == pytest.approx(3.5, rel=0.06)
    assert said["psf"] == "a-psf.png"
    assert Path("a-psf.png").exists()
    assert said["naturalness"] > 0.1
    assert "more natural" not in result.stderr


def test_a_part_that_is_named_is_the_one_that_is_looked_at() -> None:
    photograph(taken(disk(2), 120, 140), "a.png")
    arguments = ["estimate", "a.png", "--size", "9", "--kind", "disk", "--crop", "40,20,140,110", "--json"]

    assert json.loads(CliRunner().invoke(app, arguments).stdout)["part"] == "40,20,140,110"


def test_an_unnatural_restoration_and_a_rival_are_reasons_to_look_twice() -> None:
    sure = Estimate(
        psf=disk(3),
        spec="disk:3",
        box=(0, 0, 9, 9),
        spread=2.1,
        agreement=None,
        naturalness=0.3,
        rival=None,
        residual=None,
    )

    assert sure.warnings == ()
    assert "it looks hardly more natural than without (0.02" in replace(sure, naturalness=0.02).warnings[0]
    assert "disk:7.1 explains the picture nearly as well" in replace(sure, rival="disk:7.1").warnings[0]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--size", "8"], "expected an odd number of pixels from 3; take 9"),
        (["--size", "31"], "are too few for a PSF of 31"),
        (["--size", "9"], "nothing to tell the blur by"),
        (["--size", "9", "--kind", "disk"], "nothing to tell the blur by"),
        (["--size", "9", "--crop", "1,2,3"], "--crop got '1,2,3', expected 4 numbers"),
        (["--size", "9", "--crop", "0,0,200,50"], "does not lie in the photograph of 90 x 80"),
        (["--size", "9", "-o", "k.jpg"], "expected one of .npy .png"),
        (["--size", "9", "--restored", "k.xyz"], "choose a format by the ending"),
    ],
)
def test_mistakes_are_one_line_on_stderr_and_exit_code_2(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    photograph(torch.full((1, 1, 80, 90), 0.4), "a.png")

    result = CliRunner().invoke(app, ["estimate", "a.png", *arguments])

    assert result.exit_code == 2
    assert complaint in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
