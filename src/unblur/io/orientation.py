"""The EXIF orientation: applied to the pixels once, then set to upright so that nobody applies it again."""

import struct
from collections.abc import Iterator

import numpy as np

from unblur.io.picture import Pixels

_TAG = 0x0112
_UPRIGHT = 1


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and mirror ``(H, W, …)`` as EXIF orientation 1 to 8 asks; any other number changes nothing."""
    if orientation in (2, 5, 7):
        pixels = pixels[:, ::-1]
    elif orientation == 4:
        pixels = pixels[::-1]
    quarter_turns = {3: 2, 5: 1, 6: -1, 7: -1, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(pixels, quarter_turns))


def orientation_of(exif: bytes | None) -> int:
    """The orientation in a bare EXIF block, 1 where there is none."""
    for order, offset in _entries(exif or b""):
        return int(struct.unpack_from(order + "H", exif or b"", offset)[0])
    return _UPRIGHT


def declared_upright(exif: bytes) -> bytes:
    """The same EXIF block with orientation 1; every other byte stays, maker notes and thumbnails included."""
    block = bytearray(exif)
    for order, offset in _entries(exif):
        struct.pack_into(order + "H", block, offset, _UPRIGHT)
    return bytes(block)


def _entries(exif: bytes) -> Iterator[tuple[str, int]]:
    """Byte order and place of the value of each orientation entry in the first directory."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return
    directory = struct.unpack_from(order + "I", exif, 4)[0]
    if directory + 2 > len(exif):
        return
    count = struct.unpack_from(order + "H", exif, directory)[0]
    for entry in range(directory + 2, min(directory + 2 + 12 * count, len(exif) - 11), 12):
        if struct.unpack_from(order + "H", exif, entry)[0] == _TAG:
            yield order, entry + 8
