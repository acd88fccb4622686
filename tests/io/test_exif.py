"""EXIF that is whole comes along; damaged EXIF costs a word and not the picture."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from unblur.io.exif import DAMAGED, is_sound
from unblur.io.picture import Picture
from unblur.io.read import read_picture
from unblur.io.write import write_picture

ORIENTATION, MAKER, EXPOSURE, EXPOSURE_TIME, PLACE, LATITUDE = 274, 271, 34665, 33434, 34853, 2
PIXELS = np.random.default_rng(4).integers(0, 256, (20, 30, 3)).astype(np.uint8)


def block() -> bytes:
    """What a camera writes: who made it, an exposure of a 30th of a second, and a place."""
    exif = Image.Exif()
    exif[MAKER] = "Maker"
    exif[EXPOSURE] = {EXPOSURE_TIME: (1, 30)}
    exif[PLACE] = {LATITUDE: (48.0, 8.0, 1.5)}
    return exif.tobytes().removeprefix(b"Exif\0\0")


def with_pointer(tag: int, place: int) -> bytes:
    """The block, in which the directory of ``tag`` lies elsewhere."""
    changed = bytearray(block())
    order = "<" if changed[:2] == b"II" else ">"
    (first,) = struct.unpack_from(order + "I", changed, 4)
    (count,) = struct.unpack_from(order + "H", changed, first)
    for entry in range(first + 2, first + 2 + 12 * count, 12):
        if struct.unpack_from(order + "H", changed, entry)[0] == tag:
            struct.pack_into(order + "I", changed, entry + 8, place)
            return bytes(changed)
    raise AssertionError(f"there is no {tag}")


def test_a_cameras_block_is_sound() -> None:
    assert is_sound(block())


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"II*\0",
        b"II*\0\x08\0\0\0",
        b"\xff\xff\xff\xff" + block()[4:],
        block()[:4] + b"\xff\xff\xff\xff" + block()[8:],
        block()[:20],
        with_pointer(EXPOSURE, 0xFFFFFFF0),
        with_pointer(PLACE, 0),
        with_pointer(PLACE, len(block()) - 1),
    ],
)
def test_directories_beyond_the_block_are_found(damaged: bytes) -> None:
    assert not is_sound(damaged)


def test_every_cut_is_found_or_leaves_all_directories_whole() -> None:
    whole, sound = block(), 0
    for length in range(len(whole)):
        if is_sound(whole[:length]):
            sound += 1
            exif = Image.Exif()
            exif.load(b"Exif\0\0" + whole[:length])  # no complaint, and no warning, which tests take for an error
    assert sound < len(whole) / 2


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "avif"])
def test_a_picture_without_its_exposure_data_is_restored_into_every_format(ending: str, tmp_path: Path) -> None:
    source, copy = tmp_path / "a.png", tmp_path / f"b.{ending}"
    Image.fromarray(PIXELS).save(source, exif=b"Exif\0\0" + with_pointer(EXPOSURE, 0xFFFFFFF0))

    picture = read_picture(source)
    write_picture(picture, copy)

    assert (picture.exif, picture.notes) == (None, (DAMAGED,))
    np.testing.assert_array_equal(picture.pixels, PIXELS)
    assert read_picture(copy).size == (20, 30)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_tiff_whose_exposure_data_are_no_directory_keeps_its_pixels(dtype: str, tmp_path: Path) -> None:
    path, pixels = tmp_path / "a.tif", PIXELS.astype(dtype)
    neighbour = EXPOSURE - 1  # tifffile refuses to write the tag itself
    tifffile.imwrite(path, pixels, photometric="rgb", metadata=None, extratags=[(neighbour, "s", 0, "ab", True)])
    content = path.read_bytes()
    entry = struct.pack("<HH", neighbour, 2)
    assert content.count(entry) == 1
    path.write_bytes(content.replace(entry, struct.pack("<HH", EXPOSURE, 2)))

    picture = read_picture(path)

    np.testing.assert_array_equal(picture.pixels, pixels)
    assert (picture.exif is None) == (DAMAGED in picture.notes)


def test_an_orientation_that_is_no_number_turns_nothing(tmp_path: Path) -> None:
    path, exif = tmp_path / "a.jpg", Image.Exif()
    exif[ORIENTATION] = 6
    short, text = struct.pack(">HHI", ORIENTATION, 3, 1), struct.pack(">HHI", ORIENTATION, 2, 3)
    assert exif.tobytes().count(short) == 1
    Image.fromarray(PIXELS).save(path, exif=exif.tobytes().replace(short, text))

    assert read_picture(path).size == (20, 30)


@pytest.mark.parametrize("ending", ["jpg", "bmp"])
def test_exif_that_the_format_cannot_hold_is_dropped_with_a_word(ending: str, tmp_path: Path) -> None:
    long = Image.Exif()
    long[MAKER] = "m" * 70_000
    picture = Picture(pixels=PIXELS, format="PNG", exif=long.tobytes().removeprefix(b"Exif\0\0"))

    notes = write_picture(picture, tmp_path / f"a.{ending}")

    assert notes == (f"EXIF dropped: {'JPEG' if ending == 'jpg' else 'BMP'} cannot hold it",)
    assert [file.name for file in tmp_path.iterdir()] == [f"a.{ending}"]
    with Image.open(tmp_path / f"a.{ending}") as stored:
        assert not stored.getexif()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_values_that_an_encoder_trips_over_cost_the_exif_only(
    dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise struct.error("a value that does not fit")

    picture = Picture(pixels=PIXELS.astype(dtype), format="PNG", exif=block())
    monkeypatch.setattr("PIL.TiffImagePlugin.ImageFileDirectory_v2.tobytes", refuse)

    notes = write_picture(picture, tmp_path / "a.tif")

    assert notes == ("EXIF dropped: TIFF cannot hold it",)
    monkeypatch.undo()
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels, picture.pixels)
