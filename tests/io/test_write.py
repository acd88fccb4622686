"""Writing: what comes back is what was put in."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

import unblur.io.write
from unblur.errors import ImageError
from unblur.io.picture import JpegQuality, Picture
from unblur.io.read import read_picture
from unblur.io.write import write_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(dtype: str, channels: int = 3, *, alpha: bool = False, exif: bytes | None = None) -> Picture:
    """A small picture without symmetry, over the full range."""
    rng = np.random.default_rng(3)
    top = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    pixels = (rng.random((12, 17, channels)) * top).astype(dtype)
    opacity = (rng.random((12, 17)) * top).astype(dtype) if alpha else None
    return Picture(pixels=pixels, alpha=opacity, format="PNG", icc=SRGB, exif=exif)


def exif_block() -> bytes:
    """An upright photograph by Maker, 1/250 s."""
    exif = Image.Exif()
    exif[0x0112] = 1
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x829A] = IFDRational(1, 250)
    return exif.tobytes().removeprefix(b"Exif\0\0")


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("ending", "dtype"),
    [("png", "uint8"), ("png", "uint16"), ("tif", "uint8"), ("tif", "uint16"), ("tif", "float32"), ("tif", "float64")],
)
def test_lossless_formats_return_every_value(
    ending: str, dtype: str, channels: int, alpha: bool, tmp_path: Path
) -> None:
    original = picture(dtype, channels, alpha=alpha)

    notes = write_picture(original, tmp_path / f"a.{ending}")

    back = read_picture(tmp_path / f"a.{ending}")
    assert notes == ()
    assert back.pixels.dtype == original.pixels.dtype
    np.testing.assert_array_equal(back.pixels, original.pixels)
    assert (back.alpha is None) == (original.alpha is None)
    if original.alpha is not None and back.alpha is not None:
        np.testing.assert_array_equal(back.alpha, original.alpha)
    assert back.icc == SRGB


@pytest.mark.parametrize(
    ("ending", "dtype"),
    [
        ("png", "uint8"),
        ("png", "uint16"),
        ("jpg", "uint8"),
        ("webp", "uint8"),
        ("tif", "uint8"),
        ("tif", "uint16"),
        ("tif", "float32"),
        ("avif", "uint8"),
    ],
)
def test_exif_and_profile_go_along(ending: str, dtype: str, tmp_path: Path) -> None:
    write_picture(picture(dtype, exif=exif_block()), tmp_path / f"a.{ending}")

    back = read_picture(tmp_path / f"a.{ending}")

    assert back.icc == SRGB
    assert back.exif is not None
    exif = Image.Exif()
    exif.load(back.exif)
    assert exif[0x010F] == "Maker"
    assert float(exif.get_ifd(0x8769)[0x829A]) == 1 / 250


def test_a_jpeg_keeps_the_tables_of_the_jpeg_it_came_from(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    Image.fromarray(picture("uint8").pixels).save(source, quality=63, subsampling=1)
    original = read_picture(source)

    write_picture(original, tmp_path / "b.jpg")

    back = read_picture(tmp_path / "b.jpg")
    assert isinstance(original.jpeg, JpegQuality)
    assert back.jpeg == original.jpeg


def test_a_new_jpeg_is_fine_and_keeps_colours_at_full_resolution(tmp_path: Path) -> None:
    write_picture(picture("uint8"), tmp_path / "a.jpg")

    jpeg = read_picture(tmp_path / "a.jpg").jpeg

    assert jpeg is not None
    assert jpeg.subsampling == 0
    assert max(jpeg.tables[0]) <= 12  # the libjpeg tables at quality 95


def test_16_bits_become_8_with_white_staying_white_and_a_note(tmp_path: Path) -> None:
    pixels = np.array([[[0], [128], [129], [257 * 77], [65535]]], np.uint16)

    notes = write_picture(Picture(pixels=pixels, format="PNG"), tmp_path / "a.bmp")

    assert read_picture(tmp_path / "a.bmp").pixels.ravel().tolist()[::3] in ([0, 0, 1, 77, 255], [0, 77])
    assert notes == ("16 bits reduced to 8 bits: BMP holds no more",)


def test_floats_become_16_bits_in_a_png_with_a_note(tmp_path: Path) -> None:
    pixels = np.array([[[-0.2], [0.5], [1.0], [1.7]]], np.float32)

    notes = write_picture(Picture(pixels=pixels, format="TIFF"), tmp_path / "a.png")

    assert read_picture(tmp_path / "a.png").pixels.ravel().tolist() == [0, 32768, 65535, 65535]
    assert notes == ("float values reduced to 16 bits: PNG holds no more",)


def test_opacity_is_dropped_with_a_note_where_the_format_has_none(tmp_path: Path) -> None:
    notes = write_picture(picture("uint8", alpha=True), tmp_path / "a.jpg")

    assert notes == ("opacity dropped: JPEG holds none",)


def test_an_existing_file_is_kept_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("precious")

    with pytest.raises(ImageError, match="exists already"):
        write_picture(picture("uint8"), path)
    assert path.read_text() == "precious"
    write_picture(picture("uint8"), path, overwrite=True)

    assert read_picture(path).size == (12, 17)


def test_unusable_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is not a folder"):
        write_picture(picture("uint8"), tmp_path / "missing" / "a.png")
    with pytest.raises(ImageError, match=r"ends in \.xyz, expected one of \.png"):
        write_picture(picture("uint8"), tmp_path / "a.xyz")
    with pytest.raises(ImageError, match="has no ending"):
        write_picture(picture("uint8"), tmp_path / "a")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_text("precious")

    def full(*arguments: Any) -> None:
        arguments[-1].write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unblur.io.write, "_save_with_pillow", full)
    with pytest.raises(ImageError, match="No space left"):
        write_picture(picture("uint8"), path, overwrite=True)

    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert path.read_text() == "precious"


def test_a_side_that_the_format_cannot_hold_is_an_image_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be written"):
        write_picture(Picture(pixels=np.zeros((2, 70000, 1), np.uint8), format="PNG"), tmp_path / "a.jpg")
