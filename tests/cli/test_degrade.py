"""The command that blurs pictures, on small files."""

from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from scipy.signal import convolve2d
from typer.testing import CliRunner

from unblur.cli.degrade import degrade, parse_noise
from unblur.degrade.jpeg import libjpeg
from unblur.errors import ConfigError

COMMA = np.array([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]]) / 8  # no symmetry: a flip cannot hide

app = typer.Typer()
app.command()(degrade)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sharp picture of 20 x 31 pixels, and a PSF without symmetry."""
    np.save(tmp_path / "comma.npy", COMMA)
    pixels = np.random.default_rng(1).integers(0, 256, (20, 31, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "sharp.png")
    return tmp_path


def run(folder: Path, *options: str) -> tuple[int, str]:
    words = [str(folder / "sharp.png"), "--psf", str(folder / "comma.npy"), *options]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    return result.exit_code, result.output


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_writes_the_blurred_picture_and_its_target(folder: Path) -> None:
    blurred, target = folder / "blurred.png", folder / "target.png"

    code, said = run(folder, "--transfer", "encoded", "-o", str(blurred), "--target", str(target))

    assert code == 0, said
    sharp = pixels(folder / "sharp.png")
    expected = np.stack([convolve2d(sharp[..., i], COMMA, mode="valid") for i in range(3)], axis=2)
    np.testing.assert_allclose(pixels(blurred), expected, atol=0.501)
    np.testing.assert_array_equal(pixels(target), sharp[1:-1, 1:-1])


def test_every_option_reaches_the_camera(folder: Path) -> None:
    options = {"--gain": "1.5", "--lights": "9", "--noise": "0.05,300", "--jpeg": "30", "--seed": "7"}
    run(folder, "-o", str(folder / "plain.png"))

    for name, value in options.items():
        extra = ("--noise", "0.05") if name == "--seed" else ()
        code, said = run(folder, name, value, *extra, "-o", str(folder / f"{name[2:]}.png"))
        assert code == 0, said

    run(folder, "--noise", "0.05", "-o", str(folder / "another-seed.png"))
    pictures = [pixels(path) for path in sorted(folder.glob("*.png")) if path.name != "sharp.png"]
    assert len(pictures) == 7
    assert len({picture.tobytes() for picture in pictures}) == 7


def test_jpeg_values_are_kept_by_a_lossless_output(folder: Path) -> None:
    run(folder, "-o", str(folder / "plain.png"))
    run(folder, "--jpeg", "80", "-o", str(folder / "coded.png"))

    plain = torch.from_numpy(pixels(folder / "plain.png").copy()).permute(2, 0, 1)[None] / 255

    np.testing.assert_array_equal(
        pixels(folder / "coded.png"), (libjpeg(plain, 80)[0] * 255).round().permute(1, 2, 0).numpy()
    )


def test_opacity_is_cut_to_the_frame(folder: Path) -> None:
    rgba = np.random.default_rng(2).integers(0, 256, (20, 31, 4), dtype=np.uint8)
    Image.fromarray(rgba).save(folder / "sharp.png")

    code, said = run(folder, "-o", str(folder / "blurred.png"))

    assert code == 0, said
    np.testing.assert_array_equal(pixels(folder / "blurred.png")[..., 3], rgba[1:-1, 1:-1, 3])


def test_existing_outputs_need_overwrite(folder: Path) -> None:
    output = folder / "blurred.png"
    output.write_bytes(b"mine")

    code, said = run(folder, "-o", str(output))

    assert (code, output.read_bytes()) == (2, b"mine")
    assert "exists already" in said
    assert run(folder, "-o", str(output), "--overwrite")[0] == 0
    assert pixels(output).shape == (18, 29, 3)


def test_the_input_is_never_an_output(folder: Path) -> None:
    before = (folder / "sharp.png").read_bytes()

    code, said = run(folder, "-o", str(folder / "sharp.png"), "--overwrite")

    assert code == 2
    assert "expected different files" in said
    assert (folder / "sharp.png").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--noise", "much"), "--noise: got 'much', expected S or S,PEAK"),
        (("--noise", "0.1,0"), "peak: got 0"),
        (("--gain", "-1"), "gain: got -1"),
        (("--jpeg", "0"), "jpeg: got 0"),
        (("--psf", "disk:40"), "expected at most the picture's 20 x 31"),
    ],
)
def test_bad_options_are_one_line_and_exit_code_two(folder: Path, options: tuple[str, ...], said: str) -> None:
    code, output = run(folder, *options, "-o", str(folder / "blurred.png"))

    assert code == 2
    assert said in output
    assert output.count("\n") == 1
    assert not (folder / "blurred.png").exists()


def test_noise_is_one_number_or_two() -> None:
    assert parse_noise("0.01") == (0.01, None)
    assert parse_noise("0.005, 2000") == (0.005, 2000.0)
    with pytest.raises(ConfigError, match="expected S or S,PEAK"):
        parse_noise("1,2,3")
