"""Reading: against Pillow, tifffile and files made by hand."""

import struct
import zlib
from pathlib import Path
from typing import Literal

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

from unblur.errors import ImageError
from unblur.io.read import read_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def values(*shape: int, dtype: str = "uint8") -> "np.ndarray[tuple[int, ...], np.dtype[np.generic]]":
    """Values without symmetry that use both bytes of 16 bits."""
    top = {"uint8": 256, "uint16": 65536}[dtype]
    return np.random.default_rng(7).integers(0, top, shape).astype(dtype)


@pytest.mark.parametrize(("mode", "shape"), [("L", (5, 8)), ("RGB", (5, 8, 3)), ("LA", (5, 8, 2)), ("RGBA", (5, 8, 4))])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_8_bits_arrive_as_they_are_with_opacity_apart(
    mode: str, shape: tuple[int, ...], ending: str, tmp_path: Path
) -> None:
    expected = values(*shape)
    path = tmp_path / f"a.{ending}"
    image = Image.fromarray(expected)
    assert image.mode == mode
    image.save(path)

    picture = read_picture(path)

    planes = expected.reshape(5, 8, -1)
    colours = 3 if "RGB" in mode else 1
    np.testing.assert_array_equal(picture.pixels, planes[..., :colours])
    assert (picture.alpha is None) == (mode in ("L", "RGB"))
    if picture.alpha is not None:
        np.testing.assert_array_equal(picture.alpha, planes[..., -1])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_no_bit_of_a_16_bit_png_is_lost(channels: int, tmp_path: Path) -> None:
    expected = values(6, 9, channels, dtype="uint16")
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(expected.squeeze()))

    picture = read_picture(path)

    colours = 3 if channels > 2 else 1
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_array_equal(picture.pixels, expected[..., :colours])
    if channels in (2, 4):
        assert picture.alpha is not None
        np.testing.assert_array_equal(picture.alpha, expected[..., -1])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_a_16_bit_tiff_arrives_whatever_its_byte_order_and_planes(
    order: Literal["<", ">"], planar: str, tmp_path: Path
) -> None:
    expected = values(6, 9, 3, dtype="uint16")
    stored = expected if planar == "contig" else np.moveaxis(expected, -1, 0)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stored, byteorder=order, planarconfig=planar, photometric="rgb", iccprofile=SRGB)

    picture = read_picture(path)

    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.pixels.dtype == np.dtype("=u2")
    assert picture.icc == SRGB


def test_a_float_tiff_keeps_what_is_brighter_than_white(tmp_path: Path) -> None:
    expected = np.linspace(0, 3.5, 54, dtype=np.float32).reshape(6, 9)
    tifffile.imwrite(tmp_path / "a.tif", expected)

    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels[..., 0], expected)


def test_nan_in_a_float_tiff_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, np.nan], [1, 0]], np.float32))

    with pytest.raises(ImageError, match="1 values are NaN"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_applied_once_and_then_says_upright(orientation: int, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    Image.fromarray(values(24, 40, 3)).save(path, exif=exif, quality=100, subsampling=0)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))

    picture = read_picture(path)

    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.exif is not None
    kept = Image.Exif()
    kept.load(picture.exif)
    assert (kept[0x0112], kept[0x010F]) == (1, "Maker")


def test_a_16_bit_png_is_turned_by_its_exif_chunk(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(block)) + b"eXIf" + block + struct.pack(">I", zlib.crc32(b"eXIf" + block))
    expected = values(4, 7, 3, dtype="uint16")
    data = imagecodecs.png_encode(expected)
    (tmp_path / "a.png").write_bytes(data[:33] + chunk + data[33:])

    picture = read_picture(tmp_path / "a.png")

    np.testing.assert_array_equal(picture.pixels, np.rot90(expected, -1))


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_damaged_exif_is_dropped_and_the_picture_kept(ending: str, tmp_path: Path) -> None:
    pixels = values(24, 40, 3)
    path = tmp_path / f"a.{ending}"
    Image.fromarray(pixels).save(path, exif=b"Exif\0\0\xff\xff\xff\xff\0\0\0\x08\0\0")

    picture = read_picture(path)

    assert picture.size == (24, 40)
    assert picture.exif is None
    assert picture.notes == ("its EXIF is damaged and was dropped",)


def test_palette_and_cmyk_become_rgb_and_say_so(tmp_path: Path) -> None:
    colours = np.array([[[250, 10, 30], [250, 10, 30], [0, 90, 200]]], np.uint8)
    Image.fromarray(colours).quantize(4).save(tmp_path / "a.png")
    cmyk = Image.fromarray(np.full((8, 8, 3), (200, 60, 20), np.uint8)).convert("CMYK")
    cmyk.save(tmp_path / "b.jpg", quality=100)

    palette, ink = read_picture(tmp_path / "a.png"), read_picture(tmp_path / "b.jpg")

    np.testing.assert_array_equal(palette.pixels, colours)
    assert palette.notes == ("palette converted to RGB",)
    assert np.abs(ink.pixels.astype(int) - (200, 60, 20)).max() <= 3
    assert ink.notes == ("CMYK converted to RGB",)


def test_a_jpeg_remembers_its_tables_and_subsampling(tmp_path: Path) -> None:
    Image.fromarray(values(16, 24, 3)).save(tmp_path / "a.jpg", quality=61, subsampling=2)

    jpeg = read_picture(tmp_path / "a.jpg").jpeg

    assert jpeg is not None
    assert jpeg.subsampling == 2
    with Image.open(tmp_path / "a.jpg") as image:
        assert jpeg.tables == image.quantization  # type: ignore[attr-defined]


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif", "bmp"])
@pytest.mark.parametrize("left", [0, 1, 40, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_refused_in_one_sentence(ending: str, left: float, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    Image.fromarray(values(64, 64, 3)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: left if isinstance(left, int) else int(len(data) * left)])

    with pytest.raises(ImageError) as caught:
        read_picture(path)

    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("left", [30, 60, 0.5, 0.9])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_a_16_bit_file_that_was_cut_off_is_refused(ending: str, left: float, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    pixels = values(64, 64, 3, dtype="uint16")
    if ending == "png":
        path.write_bytes(imagecodecs.png_encode(pixels))
    else:
        tifffile.imwrite(path, pixels, photometric="rgb")
    data = path.read_bytes()
    path.write_bytes(data[: left if isinstance(left, int) else int(len(data) * left)])

    with pytest.raises(ImageError, match=path.name):
        read_picture(path)


def test_what_is_no_photograph_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not a picture, but long enough to have a head of twenty-six bytes")

    with pytest.raises(ImageError, match="does not exist"):
        read_picture(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="is a folder"):
        read_picture(tmp_path)
    with pytest.raises(ImageError, match="not a picture"):
        read_picture(tmp_path / "text.png")


@pytest.mark.parametrize("bits", [8, 16])
def test_the_header_is_checked_against_the_limit_before_anything_is_decoded(bits: int, tmp_path: Path) -> None:
    ihdr = struct.pack(">IIBBBBB", 60000, 50000, bits, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + ihdr + struct.pack(">I", zlib.crc32(b"IHDR" + ihdr))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 999) + b"IDAT" + b"\0" * 64)

    with pytest.raises(ImageError, match="3000 megapixels"):
        read_picture(tmp_path / "bomb.png")


def test_the_limit_of_pillow_is_left_as_it_was(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    Image.new("L", (3, 3)).save(tmp_path / "a.png")

    read_picture(tmp_path / "a.png")

    assert before is not None
    assert before == Image.MAX_IMAGE_PIXELS
