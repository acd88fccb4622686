"""What the user knows better than the method, on the command line: white, strength, and a crop to try them on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from tests.conftest import make_chart
from unblur.cli import app
from unblur.io.read import read_picture
from unblur.restoration import restore


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A grey photograph of 80 × 100."""
    path = tmp_path / "moon.png"
    Image.fromarray((make_chart(80, 100)[0, 0].numpy() * 255).astype(np.uint8)).save(path)
    return path


def run(photo: Path, *words: object) -> Result:
    """Restore by ``wiener``."""
    fixed = ("restore", photo, "--psf", "disk:2", "--method", "wiener")
    return CliRunner().invoke(app, [str(word) for word in (*fixed, *words)])


def test_white_and_strength_are_passed_on(photo: Path) -> None:
    result = run(photo, "--white", "0.7", "--strength", "2")

    assert result.exit_code == 0, result.output
    pixels = read_picture(photo).pixels[..., 0]
    expected = restore(pixels, "disk:2", method="wiener", white=0.7, strength=2.0)
    found = read_picture(photo.with_name("moon-restored.png")).pixels[..., 0]
    np.testing.assert_array_equal(found, expected)
    assert found.max() == round(0.7 * 255)
    assert not np.array_equal(expected, restore(pixels, "disk:2", method="wiener", white=0.7))


def test_a_crop_has_its_own_name_alone_and_in_a_folder(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    beside, inside = run(photo, "--crop", "10,20,50,40"), run(photo, "--crop", "10,20,50,40", "-o", tmp_path / "out")

    assert (beside.exit_code, inside.exit_code) == (0, 0)
    for path in (tmp_path / "moon-crop-restored.png", tmp_path / "out" / "moon-crop-restored.png"):
        assert read_picture(path).size == (40, 50)
    assert not (tmp_path / "moon-restored.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--white", "255"), "the white is 255.0, expected a share of full scale"),
        (("--strength", "0"), "the strength is 0.0, expected a number above 0"),
        (("--crop", "1,2,3"), "expected X,Y,W,H"),
        (("--crop", "90,0,20,20"), "expected at most the photograph's 100 x 80"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(words: tuple[str, ...], message: str, photo: Path) -> None:
    result = run(photo, *words)

    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in photo.parent.iterdir()] == ["moon.png"]
