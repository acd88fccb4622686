"""``unblur psf measure``: photographs as files, findings as text and JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from typer.testing import CliRunner

from tests.psf.lights import edge, similarity, star
from unblur.cli.psf import app
from unblur.colour import encode_srgb
from unblur.io.psf import read_psf
from unblur.psf.parametric import disk, gauss
from unblur.psf.random import shake_seeded
from unblur.tensors import Image as Light


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def photograph(light: Light, path: str) -> None:
    """Linear light as an 8-bit sRGB file, grey in three channels."""
    stored = (encode_srgb(light.clamp(0, 1))[0, 0] * 255).round().to(torch.uint8).numpy()
    Image.fromarray(np.repeat(stored[..., None], 3, axis=2)).save(path)


def test_a_lamp_in_an_8_bit_photograph_gives_a_psf_that_read_psf_reads() -> None:
    photograph(star(shake_seeded(27, 3)), "a.png")

    result = CliRunner().invoke(app, ["measure", "a.png", "--point", "61,58", "--alone", "-o", "k.npy"])

    assert result.exit_code == 0, result.output
    assert "k.npy" in result.stdout
    assert result.stderr == ""
    assert similarity(read_psf("k.npy"), shake_seeded(27, 3)) > 0.97


def test_the_light_is_decoded_so_that_stored_values_would_give_another_psf() -> None:
    photograph(star(gauss(3)), "a.png")

    as_photograph = CliRunner().invoke(app, ["measure", "a.png", "--point", "60,60", "-o", "a.npy"])
    as_linear = CliRunner().invoke(app, ["measure", "a.png", "--point", "60,60", "-o", "b.npy", "--encoding", "linear"])

    assert (as_photograph.exit_code, as_linear.exit_code) == (0, 0)
    assert similarity(read_psf("a.npy"), gauss(3)) > 0.995 > similarity(read_psf("b.npy"), gauss(3))


def test_findings_come_as_json_and_the_default_output_stands_beside_the_photograph(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    photograph(star(disk(4)), "photos/a.png")

    result = CliRunner().invoke(app, ["measure", "photos/a.png", "--point", "60,60", "--size", "21", "--json"])

    found = json.loads(result.stdout)
    assert found["psf"] == str(Path("photos/a-psf.png"))
    assert (found["size"], found["repaired"], found["cut"]) == (21, 0, 0)
    assert (found["x"], found["y"]) == pytest.approx((60, 60), abs=0.1)
    assert read_psf("photos/a-psf.png").shape == (21, 21)


def test_repaired_pixels_and_light_that_was_cut_off_are_warned_of() -> None:
    photograph(star(gauss(3), peak=2), "a.png")

    result = CliRunner().invoke(app, ["measure", "a.png", "--point", "60,60", "--size", "9", "-o", "k.npy"])

    assert result.exit_code == 0
    assert "clipped pixels were guessed" in result.stderr
    assert "of the light lies outside 9 px" in result.stderr


def test_a_point_far_from_the_corner_of_a_large_picture_is_found_at_its_place() -> None:
    light = torch.full((1, 1, 700, 900), 0.05)
    light[..., 300:421, 500:621] = star(disk(5))
    photograph(light, "a.png")

    result = CliRunner().invoke(app, ["measure", "a.png", "--point", "561,359", "--json"])

    found = json.loads(result.stdout)
    assert (found["x"], found["y"]) == pytest.approx((560, 360), abs=0.1)


def test_an_edge_gives_grammar_and_a_psf_if_asked() -> None:
    light = torch.full((1, 1, 90, 120), 0.15)
    light[..., 10:74, 30:94] = edge(disk(5), 85)
    tifffile.imwrite("a.tif", (encode_srgb(light)[0, 0] * 65535).round().numpy().astype(np.uint16))

    result = CliRunner().invoke(app, ["measure", "a.tif", "--edge", "93,73,30,10", "--json", "-o", "k.tif"])

    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    family, _, radius = found["psf"].partition(":")
    assert (family, found["angle"]) == ("disk", pytest.approx(85, abs=0.3))
    assert float(radius) == pytest.approx(5, rel=0.03)
    assert torch.equal(read_psf("k.tif"), disk(float(radius)))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "expected one of --point X,Y and --edge"),
        (["--point", "1,2", "--edge", "1,2,3,4"], "expected one of --point X,Y and --edge"),
        (["--point", "1"], "--point got '1', expected 2 numbers"),
        (["--edge", "1,2,x,4"], "expected 4 numbers, 100,80,160,150"),
        (["--edge", "1,2,30,40", "--size", "9"], "--size belongs to --point"),
        (["--point", "300,5"], "outside the picture of 121 x 121"),
        (["--edge", "5,5,40,300"], "outside the picture of 121 x 121"),
        (["--edge", "5,5,9,40"], "5 x 36 pixels, expected at least 8"),
        (["--point", "20,20"], "nothing stands out of the background at 20,20"),
        (["--point", "60,60", "-o", "k.jpg"], "expected one of .npy .png"),
        (["--point", "60,60", "--size", "8"], "expected an odd number"),
    ],
)
def test_mistakes_are_one_line_on_stderr_and_exit_code_2(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    photograph(star(disk(4)), "a.png")

    result = CliRunner().invoke(app, ["measure", "a.png", *arguments])

    assert result.exit_code == 2
    assert complaint in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_an_existing_output_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    photograph(star(disk(4)), "a.png")
    (tmp_path / "k.npy").write_text("mine")
    arguments = ["measure", "a.png", "--point", "60,60", "-o", "k.npy"]

    assert CliRunner().invoke(app, arguments).exit_code == 2
    assert (tmp_path / "k.npy").read_text() == "mine"
    assert CliRunner().invoke(app, [*arguments, "--overwrite"]).exit_code == 0
