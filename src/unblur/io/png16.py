"""PNG files of 16 bits, which Pillow would cut down to 8: pixels through libpng, the chunks around them by hand."""

import struct
import zlib
from collections.abc import Iterator

import imagecodecs
import numpy as np

from unblur.io.picture import Pixels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST_PROFILE = 2**25
"""Bytes; the largest profiles, of printers, have a few million."""
_HEADER_END = len(SIGNATURE) + 25
"""The signature and the IHDR chunk: 4 bytes length, 4 kind, 13 content, 4 checksum."""


def is_png16(head: bytes) -> bool:
    """Whether a file that begins with these (at least 26) bytes is a PNG of 16 bits."""
    return head.startswith(SIGNATURE) and len(head) > 24 and head[24] == 16


def png_size(head: bytes) -> tuple[int, int]:
    """Height and width that the header declares."""
    width, height = struct.unpack_from(">II", head, 16)
    return height, width


def decode_png16(data: bytes) -> tuple[Pixels, bytes | None, bytes | None]:
    """Pixels ``(H, W, 1|2|3|4)`` in uint16, ICC profile and bare EXIF block of a whole file.

    Raises:
        ValueError: the profile is damaged or unpacks to more than any profile holds.
    """
    icc = exif = None
    for kind, content in _chunks(data):
        if kind == b"iCCP":
            icc = _unpacked(content.partition(b"\0")[2][1:])
        elif kind == b"eXIf":
            exif = content
    pixels = np.asarray(imagecodecs.png_decode(data))
    return pixels.reshape(*pixels.shape[:2], -1), icc, exif


def encode_png16(pixels: Pixels, *, icc: bytes | None = None, exif: bytes | None = None) -> bytes:
    """A whole file from uint16 pixels ``(H, W, 1|2|3|4)``."""
    data = bytes(imagecodecs.png_encode(pixels[..., 0] if pixels.shape[2] == 1 else pixels, level=6))
    extra = b""
    if icc:
        extra += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc))
    if exif:
        extra += _chunk(b"eXIf", exif)
    return data[:_HEADER_END] + extra + data[_HEADER_END:]


def _unpacked(profile: bytes) -> bytes:
    """A few kilobytes may unpack to gigabytes, so the end is looked for before it is reached."""
    stream = zlib.decompressobj()
    plain = stream.decompress(profile, LARGEST_PROFILE)
    if not stream.eof:
        raise ValueError(f"its colour profile is cut off, or unpacks to more than {LARGEST_PROFILE >> 20} MB")
    return plain


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of every chunk up to the end or the first that is cut off."""
    place = len(SIGNATURE)
    while place + 12 <= len(data):
        length = struct.unpack_from(">I", data, place)[0]
        yield data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        place += 12 + length


def _chunk(kind: bytes, content: bytes) -> bytes:
    """Length, kind, content and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
