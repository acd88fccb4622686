"""TIFFs of every layout read by rows: the same pixels as when read as a whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as PillowImage

from unblur.errors import ImageError
from unblur.io import tiff_rows
from unblur.io.read import read_picture
from unblur.io.tiff import encode_tiff_tiles
from unblur.io.tiff_rows import opened_rows

Array = np.ndarray[Any, np.dtype[Any]]
LAYOUTS: dict[str, dict[str, Any]] = {
    "one strip": {},
    "strips": {"rowsperstrip": 7},
    "compressed strips": {"rowsperstrip": 7, "compression": "zlib", "predictor": True},
    "lzw": {"rowsperstrip": 16, "compression": "lzw"},
    "tiles": {"tile": (16, 32)},
    "compressed tiles": {"tile": (32, 16), "compression": "zlib"},
    "big endian": {"rowsperstrip": 9, "byteorder": ">"},
    "BigTIFF": {"rowsperstrip": 9, "bigtiff": True},
}


def values(dtype: str, channels: int = 3) -> Array:
    """Noise of 75 × 91."""
    noise = np.random.default_rng(3).random((75, 91, channels))
    top = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    return (noise * top).astype(dtype)


def written(path: Path, pixels: Array, **layout: Any) -> Path:
    """A TIFF of these pixels."""
    order = layout.pop("byteorder", "<")
    grey = pixels.shape[2] == 1 if layout.get("planarconfig") != "separate" else pixels.shape[0] == 1
    layout.setdefault("photometric", "minisblack" if grey else "rgb")
    if grey:
        pixels = pixels[..., 0]
    tifffile.imwrite(path, pixels, metadata=None, byteorder=order, **layout)
    return path


def in_pieces(path: Path, *, step: int, overlap: int) -> Array:
    """All rows of a file, read some at a time, as ``(H, W, C)``."""
    source = opened_rows(path)
    assert source is not None
    parts = []
    with source:
        height = source.shape[2]
        for top in range(0, height, step):
            first = max(0, top - overlap)
            rows = source.read(slice(first, min(height, top + step + overlap)))
            parts.append(rows[0, :, top - first : top - first + step].permute(1, 2, 0).numpy())
    return np.concatenate(parts)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_rows_are_those_of_the_whole(layout: str, dtype: str, channels: int, tmp_path: Path) -> None:
    options = dict(LAYOUTS[layout])
    if options.pop("predictor", False) and dtype != "float32":
        options["predictor"] = True
    path = written(tmp_path / "a.tif", values(dtype, channels), **options)

    found = in_pieces(path, step=13, overlap=5)

    np.testing.assert_array_equal(found, values(dtype, channels))
    np.testing.assert_array_equal(found, read_picture(path).pixels)


@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}, {"compression": "zlib", "rowsperstrip": 8}])
def test_planes_that_are_stored_apart_come_together(options: dict[str, Any], tmp_path: Path) -> None:
    pixels = values("uint16")
    path = written(tmp_path / "a.tif", np.moveaxis(pixels, 2, 0), planarconfig="separate", **options)

    np.testing.assert_array_equal(in_pieces(path, step=20, overlap=3), pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_where_white_is_zero_it_becomes_one(dtype: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", values(dtype, 1), photometric="miniswhite", rowsperstrip=8)

    np.testing.assert_array_equal(in_pieces(path, step=20, overlap=6), read_picture(path).pixels)


def test_opacity_is_read_apart_and_the_profile_and_words_are_kept(tmp_path: Path) -> None:
    pixels = values("uint16", 4)
    path = written(
        tmp_path / "a.tif",
        pixels,
        extrasamples=["unassalpha"],
        rowsperstrip=8,
        description="a comet",
        resolution=(9, 9),
    )

    source = opened_rows(path)

    assert source is not None
    with source:
        assert (source.shape, source.has_alpha, source.dtype) == ((1, 3, 75, 91), True, np.dtype("uint16"))
        source.read(slice(10, 40))
        np.testing.assert_array_equal(source.alpha(slice(12, 30)), pixels[12:30, :, 3])
        np.testing.assert_array_equal(source.read(slice(30, 50))[0, 1].numpy(), pixels[30:50, :, 1])
        picture, whole = source.picture(), read_picture(path)
    assert (picture.exif, picture.icc, picture.encoding) == (whole.exif, whole.icc, whole.encoding)
    assert picture.exif is not None


def test_rows_that_two_requests_share_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.tif", values("uint8"), tile=(16, 32), compression="zlib")
    source = opened_rows(path)
    assert source is not None
    read: list[int] = []
    true = tiff_rows.TiffRows._bytes_at

    def watched(self: tiff_rows.TiffRows, place: int, count: int) -> bytes:
        read.append(place)
        return true(self, place, count)

    monkeypatch.setattr(tiff_rows.TiffRows, "_bytes_at", watched)

    with source:
        source.read(slice(0, 32))
        source.read(slice(16, 48))

    assert len(read) == len(set(read)) == 9


@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "palette", "colormap": np.zeros((3, 256), np.uint16)},
        {"photometric": "minisblack", "extratags": [(274, "H", 1, 6, True)]},
    ],
)
def test_what_must_be_read_as_a_whole_is_left_alone(options: dict[str, Any], tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values("uint8", 1)[..., 0], metadata=None, **options)

    assert opened_rows(tmp_path / "a.tif") is None


def test_other_files_and_none_at_all_are_left_alone(tmp_path: Path) -> None:
    PillowImage.new("L", (9, 9)).save(tmp_path / "a.png")
    (tmp_path / "b.tif").write_bytes(b"II*\0nothing")

    for name in ("a.png", "b.tif", "gone.tif", "."):
        assert opened_rows(tmp_path / name) is None


def test_one_large_compressed_piece_must_be_read_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_rows, "_LARGEST_PIECE", 1000)
    packed = written(tmp_path / "a.tif", values("uint8"), compression="zlib")
    plain = written(tmp_path / "b.tif", values("uint8"))

    assert opened_rows(packed) is None
    np.testing.assert_array_equal(in_pieces(plain, step=20, overlap=0), values("uint8"))


@pytest.mark.parametrize("layout", ["one strip", "strips", "compressed strips", "compressed tiles", "tiles"])
def test_a_file_that_ends_early_is_one_sentence(layout: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", values("uint16"), **LAYOUTS[layout])
    path.write_bytes(path.read_bytes()[:-2000])

    with pytest.raises(ImageError, match=r"a\.tif (ends before its last row|cannot be decoded)"):
        in_pieces(path, step=20, overlap=0)


def test_a_giant_header_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.tif", values("uint8"))
    monkeypatch.setattr(tiff_rows, "LIMIT", 6000)

    with pytest.raises(ImageError, match="has 91 x 75 pixels, expected at most"):
        opened_rows(path)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("heights", [[300], [1] * 300, [255, 1, 44], [256, 44], [40, 260]])
def test_bands_of_any_height_become_tiles(channels: int, heights: list[int], tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 65536, (300, 270, channels), np.uint16)
    bands = np.split(pixels, np.cumsum(heights)[:-1])

    notes = encode_tiff_tiles(
        tmp_path / "a.tif", iter(bands), (300, 270, channels), np.dtype("uint16"), alpha=channels in (2, 4), icc=None
    )

    assert notes == ()
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages.first.is_tiled
    picture = read_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels, pixels[..., : 1 if channels < 3 else 3])
    if picture.alpha is not None:
        np.testing.assert_array_equal(picture.alpha, pixels[..., -1])
    assert (picture.alpha is None) == (channels in (1, 3))


def test_a_tensor_of_rows_is_the_machines_own_order(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", values("uint16"), byteorder=">")
    source = opened_rows(path)
    assert source is not None

    with source:
        assert source.read(slice(0, 3)).dtype == torch.uint16
