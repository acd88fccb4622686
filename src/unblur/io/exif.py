"""EXIF, what a file says about the photograph: where it is damaged it goes, with a word, and the picture stays."""

import struct
from collections.abc import Iterator
from dataclasses import replace

from PIL import ExifTags, Image

from unblur.io.orientation import orientation_of
from unblur.io.picture import Picture

DAMAGED = "its EXIF is damaged and was dropped"
"""The note of a picture whose EXIF did not come along."""
_TIFF_TAGS_KEPT = ("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "Copyright")
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_HEADERS = {b"II*\0": "<", b"MM\0*": ">"}
_ENTRY = 12
"""Bytes of an entry of a directory: tag, type, count, and the value or its place."""


def exif_of(image: Image.Image) -> tuple[int, bytes | None, tuple[str, ...]]:
    """The orientation that an opened file asks for, its bare EXIF block, and a note where that cannot be read."""
    raw = image.info.get("exif")
    block = _bare(raw) if isinstance(raw, bytes) else None
    try:
        exif = image.getexif()
        asked = exif.get(ExifTags.Base.Orientation, 1)
        if image.format == "TIFF":
            block = _tiff_exif(exif)
    except Exception:  # Pillow raises anything from SyntaxError to struct.error over damaged blocks
        return orientation_of(block), None, (DAMAGED,)
    return asked if isinstance(asked, int) else 1, block, ()


def with_sound_exif(picture: Picture) -> Picture:
    """The picture as it is, or without an EXIF block whose directories do not lie within it."""
    if picture.exif is None or is_sound(picture.exif):
        return picture
    return replace(picture, exif=None, notes=(*picture.notes, DAMAGED))


def is_sound(block: bytes) -> bool:
    """Whether the header of a bare EXIF block and its directories of the photograph, exposure and place can be read.

    Values and maker notes that point past the end are left alone: programs that move a block often leave such.
    """
    order = _HEADERS.get(block[:4])
    if order is None or len(block) < 8:
        return False
    (first,) = struct.unpack_from(order + "I", block, 4)
    try:
        return all(_lies_within(block, order, place) for place in _pointers(block, order, first))
    except struct.error:
        return False


def _pointers(block: bytes, order: str, first: int) -> Iterator[int]:
    """Places of the first directory and of those that it points to."""
    yield first
    (count,) = struct.unpack_from(order + "H", block, first)
    for entry in range(first + 2, first + 2 + _ENTRY * count, _ENTRY):
        tag, _, _, value = struct.unpack_from(order + "HHII", block, entry)
        if tag in _DIRECTORIES:
            yield value


def _lies_within(block: bytes, order: str, place: int) -> bool:
    """Whether a directory does, with all its entries."""
    (count,) = struct.unpack_from(order + "H", block, place)
    return bool(place >= 8 and place + 2 + _ENTRY * count <= len(block))


def _bare(exif: bytes) -> bytes | None:
    """Without the six letters that JPEG puts in front."""
    return exif.removeprefix(b"Exif\0\0") or None


def _tiff_exif(exif: Image.Exif) -> bytes | None:
    """What a TIFF's own directory says about the photograph, without what it says about the layout of the file."""
    kept = Image.Exif()
    for name in _TIFF_TAGS_KEPT:
        tag = ExifTags.Base[name]
        if tag in exif:
            kept[tag] = exif[tag]
    for directory in _DIRECTORIES:
        if content := exif.get_ifd(directory):
            kept[directory] = dict(content)
    return _bare(kept.tobytes()) if len(kept) else None
