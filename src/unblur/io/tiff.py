"""TIFF files of more than 8 bits, which Pillow reads in part or not at all."""

import math
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from os import SEEK_END
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import ExifTags, Image, TiffImagePlugin

from unblur.errors import ImageError
from unblur.io.exif import DAMAGED
from unblur.io.orientation import upright
from unblur.io.picture import Picture, Pixels

_ICC_TAG = 34675
_EXIF_TAG = 34665
_RESERVED_TAG = 34664
"""Stands for the EXIF tag, which tifffile refuses to write, until the file is patched; a neighbour keeps the order."""
_TEXT_TAGS = (270, 271, 272, 305, 306, 315, 33432)
"""Description, make, model, software, date, artist, copyright: the first directory's words about a photograph."""
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB = 0, 1, 2
_UNSIGNED, _FLOAT = 1, 3
_TILE = 256
_CLASSIC = 4_000_000_000
"""Bytes of pixels that surely fit into a TIFF, whose offsets have 32 bits."""


def is_tiff(head: bytes) -> bool:
    """Whether a file that begins so is a TIFF or a BigTIFF."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def needs_tifffile(path: Path) -> bool:
    """Whether the first image has more than 8 bits per sample."""
    with tifffile.TiffFile(path) as file:
        return bool(file.pages.first.bitspersample > 8)


def decode_tiff(path: Path, check_size: Callable[[tuple[int, int]], None]) -> Picture:
    """The first image of a TIFF with 16-bit or float samples.

    Args:
        path: the file.
        check_size: told height and width before anything is decoded; raises where they are too much.

    Raises:
        ImageError: samples or colours of another kind.
    """
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        check_size((page.imagelength, page.imagewidth))
        bits, kind, photometric = page.bitspersample, int(page.sampleformat), int(page.photometric)
        if (kind, bits) not in ((_UNSIGNED, 16), (_FLOAT, 16), (_FLOAT, 32), (_FLOAT, 64)):
            raise ImageError(f"{path} has {bits}-bit samples of kind {kind}, expected 8, 16 or float; convert it")
        if photometric not in (_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB):
            raise ImageError(f"{path} has {bits}-bit colours of kind {photometric}, expected grey or RGB; convert it")
        pixels = page.asarray()
        if page.samplesperpixel > 1 and int(page.planarconfig) == 2:
            pixels = np.moveaxis(pixels, 0, -1)
        pixels = pixels.reshape(page.imagelength, page.imagewidth, -1)
        pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
        tags = page.tags
        icc = tags[_ICC_TAG].value if _ICC_TAG in tags else None
        orientation = int(tags[274].value) if 274 in tags else 1
        several = len(file.pages) > 1
    colours = 3 if photometric == _RGB else 1
    if photometric == _MIN_IS_WHITE:
        white = 65535 if pixels.dtype == np.uint16 else 1
        pixels = np.concatenate([white - pixels[..., :1], pixels[..., 1:]], axis=2)
    pixels = upright(pixels, orientation)
    alpha = np.ascontiguousarray(pixels[..., colours]) if pixels.shape[2] > colours else None
    notes: tuple[str, ...] = ("only the first of several images was read",) if several else ()
    if pixels.shape[2] > colours + 1:
        notes += (f"{pixels.shape[2] - colours - 1} extra channels dropped",)
    pixels = np.ascontiguousarray(pixels[..., :colours])
    exif, damage = exif_block(path)
    return Picture(pixels=pixels, alpha=alpha, format="TIFF", icc=icc, exif=exif, notes=notes + damage)


def exif_block(path: Path) -> tuple[bytes | None, tuple[str, ...]]:
    """What a TIFF's directories say about the photograph, as a bare EXIF block, and a note where they are damaged.

    There is no block in a BigTIFF.
    """
    try:
        return _exif_block(path), ()
    except Exception:  # Pillow raises many kinds over damaged directories; the pixels were read without them
        return None, (DAMAGED,)


def _exif_block(path: Path) -> bytes | None:
    kept = Image.Exif()
    with path.open("rb") as file:
        header = file.read(8)
        if header[:4] not in (b"II*\0", b"MM\0*"):
            return None
        first = TiffImagePlugin.ImageFileDirectory_v2(header)
        file.seek(first.next)
        first.load(file)
        for tag in _TEXT_TAGS:
            if tag in first and not str(first[tag]).startswith('{"shape"'):  # tifffile's own note
                kept[tag] = first[tag]
        if _EXIF_TAG in first:
            exposure = TiffImagePlugin.ImageFileDirectory_v2(header)
            file.seek(first[_EXIF_TAG])
            exposure.load(file)
            kept[_EXIF_TAG] = dict(exposure)
    return kept.tobytes().removeprefix(b"Exif\0\0") if len(kept) else None


def encode_tiff(path: Path, pixels: Pixels, *, alpha: bool, icc: bytes | None, exif: bytes | None = None) -> None:
    """Write ``(H, W, C)`` losslessly; with ``alpha`` the last channel is opacity. ``exif`` is a bare EXIF block."""
    layout, exposure = _layout(pixels.dtype, pixels.shape[2], alpha=alpha, icc=icc, exif=exif)
    tifffile.imwrite(path, pixels[..., 0] if pixels.shape[2] == 1 else pixels, byteorder="<", **layout)
    if exposure:
        _append_directory(path, exposure)


def encode_tiff_tiles(
    path: Path,
    bands: Iterable[Pixels],
    shape: tuple[int, int, int],
    dtype: "np.dtype[Any]",
    *,
    alpha: bool,
    icc: bytes | None,
    exif: bytes | None = None,
) -> tuple[str, ...]:
    """Write a picture that comes in bands ``(n, W, C)`` from top to bottom, in tiles of 256 x 256, losslessly.

    Args:
        path: of the file.
        bands: of any heights; together as high as the picture.
        shape: height, width and channels.
        dtype: of the bands.
        alpha: the last channel is opacity.
        icc: colour profile.
        exif: bare block.

    Returns:
        Notes on what the file could not hold: a picture of over 4 GB goes into a BigTIFF, without exposure data.
    """
    big = math.prod(shape) * dtype.itemsize > _CLASSIC
    layout, exposure = _layout(dtype, shape[2], alpha=alpha, icc=icc, exif=None if big else exif)
    with tifffile.TiffWriter(path, bigtiff=big, byteorder="<") as writer:
        writer.write(
            _tiles(bands, shape, dtype),
            shape=shape if shape[2] > 1 else shape[:2],
            dtype=dtype,
            tile=(_TILE, _TILE),
            buffersize=2**25,
            **layout,
        )
    if exposure:
        _append_directory(path, exposure)
    return ("EXIF dropped: BigTIFF is written without",) if big and exif else ()


def _tiles(bands: Iterable[Pixels], shape: tuple[int, int, int], dtype: "np.dtype[Any]") -> Iterator[Pixels]:
    """Bands cut into full tiles, row by row; beyond the right and lower border the last pixel is repeated."""
    height, width, channels = shape
    row = np.empty((_TILE, width + -width % _TILE, channels), dtype)
    filled = seen = 0
    for band in bands:
        taken = 0
        while taken < len(band):
            count = min(_TILE - filled, len(band) - taken)
            row[filled : filled + count, :width] = band[taken : taken + count]
            filled, taken, seen = filled + count, taken + count, seen + count
            if filled < _TILE and seen < height:
                continue
            row[filled:], row[:, width:] = row[filled - 1], row[:, width - 1 : width]
            for left in range(0, width, _TILE):
                tile = row[:, left : left + _TILE].copy()
                yield tile if channels > 1 else tile[..., 0]
            filled = 0


def _layout(
    dtype: "np.dtype[Any]", channels: int, *, alpha: bool, icc: bytes | None, exif: bytes | None
) -> tuple[dict[str, Any], dict[int, Any]]:
    """What tifffile must be told of a picture, and the exposure data that is appended afterwards."""
    words, exposure = _exif_parts(exif)
    tags: list[tuple[int, str, int, str | int, bool]] = [(tag, "s", 0, text, True) for tag, text in words.items()]
    if exposure:
        tags.append((_RESERVED_TAG, "I", 1, 0, True))
    return {
        "photometric": "rgb" if channels - alpha == 3 else "minisblack",
        "planarconfig": "contig" if channels > 1 else None,
        "extrasamples": ["unassalpha"] if alpha else None,
        "compression": "zlib",
        "predictor": dtype.kind == "u",
        "iccprofile": icc,
        "metadata": None,
        "software": False,
        "extratags": tags,
    }, exposure


def _exif_parts(block: bytes | None) -> tuple[dict[int, str], dict[int, Any]]:
    """The words of an EXIF block's first directory, and its directory of exposure data."""
    if not block:
        return {}, {}
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + block)
    words = {tag: str(exif[tag]) for tag in _TEXT_TAGS if tag in exif and str(exif[tag]).isascii()}
    return words, dict(exif.get_ifd(ExifTags.IFD.Exif))


def _append_directory(path: Path, content: Mapping[int, Any]) -> None:
    """Put a directory of exposure data behind the picture and let the EXIF tag, which is there already, point to it."""
    directory = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\0\0\0\0")  # encode_tiff writes this byte order
    for tag, value in content.items():
        directory[tag] = value
    with tifffile.TiffFile(path) as opened:
        order, entry = opened.byteorder, opened.pages.first.tags[_RESERVED_TAG].offset
    with path.open("r+b") as file:
        end = file.seek(0, SEEK_END)
        file.write(bytes(end % 2) + directory.tobytes(end + end % 2))
        file.seek(entry)
        file.write(struct.pack(f"{order}HHII", _EXIF_TAG, 4, 1, end + end % 2))
