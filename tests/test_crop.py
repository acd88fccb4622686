"""A crop for a quick look: the box, what is read around it, and the same picture as in the whole."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from tests.conftest import make_chart
from unblur.crop import Crop, surrounded
from unblur.errors import ConfigError
from unblur.io.read import read_picture
from unblur.restoration import restore_file
from unblur.tensors import Psf


def test_a_crop_is_read_from_text() -> None:
    crop = Crop.parsed(" 3, 5,20,10")

    assert crop == Crop(3, 5, 20, 10)
    assert crop.box(15, 23) == (slice(5, 15), slice(3, 23))


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,2,3,4", "1.5,2,3,4", "-1,0,3,4", "0,0,0,4"])
def test_what_is_no_crop_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"the crop is .*, expected "):
        Crop.parsed(text)


def test_a_crop_beyond_the_photograph_is_refused_with_its_size() -> None:
    with pytest.raises(ConfigError, match="ends at column 23, row 15, expected at most the photograph's 22 x 15"):
        Crop.parsed("3,5,20,10").box(15, 22)


def test_the_surroundings_end_at_the_border() -> None:
    read, kept = surrounded((slice(5, 15), slice(30, 40)), 100, 42, margin=8)

    assert (read, kept) == ((slice(0, 23), slice(22, 42)), (slice(5, 15), slice(8, 18)))


def test_a_crop_looks_as_in_the_whole_photograph(comma: Psf, tmp_path: Path) -> None:
    grey = (make_chart(160, 220)[0, 0].numpy() * 255).astype(np.uint8)
    colours = np.stack([grey, grey[::-1], grey[:, ::-1], np.arange(220, dtype=np.uint8)[None].repeat(160, 0)], axis=2)
    PillowImage.fromarray(colours).save(tmp_path / "a.png")
    mask = np.full((160, 220), 255, np.uint8)
    mask[85:87, 110:112] = (
        0  # ignored pixels with none trusted around them are filled with the mean of all that is read
    )
    PillowImage.fromarray(mask).save(tmp_path / "mask.png")

    whole = restore_file(tmp_path / "a.png", psf=comma, method="wiener", weight=tmp_path / "mask.png")
    part = restore_file(
        tmp_path / "a.png",
        psf=comma,
        method="wiener",
        weight=tmp_path / "mask.png",
        crop=Crop(100, 80, 40, 30),
        compare=tmp_path / "sheet.png",
    )

    assert part.output == tmp_path / "a-crop-restored.png"
    seen, expected = read_picture(part.output), read_picture(whole.output)
    assert seen.size == (30, 40)
    box = (slice(80, 110), slice(100, 140))
    assert np.abs(seen.pixels.astype(int) - expected.pixels[box].astype(int)).max() <= 1
    assert seen.alpha is not None
    assert expected.alpha is not None
    np.testing.assert_array_equal(seen.alpha, expected.alpha[box])
    assert (tmp_path / "sheet.png").exists()
