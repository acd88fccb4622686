"""Files made by hand to do harm: bombs, loops, lies in headers, things that are no files."""

import io
import os
import pickle
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from tests.robust.samples import photographs, psfs

MEGABYTE = 2**20


@dataclass(frozen=True)
class Trap:
    """One such file."""

    door: str
    make: Callable[[Path], Path]
    """Puts it into an empty folder."""


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def _ihdr(width: int, height: int, bits: int = 8, colour: int = 0) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)


def _zeros(count: int, head: bytes = b"") -> bytes:
    """A zlib stream of ``head`` and so many zeros, made without compressing them: a flushed block may be repeated."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = squeeze.compress(head) + squeeze.flush(zlib.Z_FULL_FLUSH)
    block = squeeze.compress(bytes(MEGABYTE)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    low, high = zlib.adler32(head) & 0xFFFF, zlib.adler32(head) >> 16
    checksum = (high + low * count) % 65521 << 16 | low
    return b"\x78\xda" + first + block * (count // MEGABYTE) + squeeze.flush() + struct.pack(">I", checksum)


def _put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def huge_png(folder: Path) -> Path:
    """A PNG that declares 60000 x 60000 pixels and compresses a part of them."""
    return _put(folder, "a.png", _png(_ihdr(60000, 60000), (b"IDAT", _zeros(64 * MEGABYTE)), (b"IEND", b"")))


def huge_deep_png(folder: Path) -> Path:
    """The same with 16 bits a sample."""
    return _put(folder, "a.png", _png(_ihdr(60000, 60000, 16, 2), (b"IDAT", _zeros(64 * MEGABYTE)), (b"IEND", b"")))


def endless_png(folder: Path) -> Path:
    """A PNG of 4 x 4 pixels whose pixel data unpack to 2 GB."""
    return _put(folder, "a.png", _png(_ihdr(4, 4), (b"IDAT", _zeros(2048 * MEGABYTE)), (b"IEND", b"")))


def endless_deep_png(folder: Path) -> Path:
    """The same with 16 bits a sample and 256 MB, as libpng unpacks all of it to nowhere."""
    return _put(folder, "a.png", _png(_ihdr(4, 4, 16), (b"IDAT", _zeros(256 * MEGABYTE)), (b"IEND", b"")))


def profile_bomb(folder: Path) -> Path:
    """A PNG whose colour profile unpacks to 2 GB."""
    profile = b"ICC\0\0" + _zeros(2048 * MEGABYTE)
    pixels = zlib.compress(b"\0" + bytes(4))
    return _put(folder, "a.png", _png(_ihdr(4, 1), (b"iCCP", profile), (b"IDAT", pixels), (b"IEND", b"")))


def deep_profile_bomb(folder: Path) -> Path:
    """The same in a PNG of 16 bits a sample."""
    profile = b"ICC\0\0" + _zeros(2048 * MEGABYTE)
    pixels = zlib.compress(b"\0" + bytes(8))
    return _put(folder, "a.png", _png(_ihdr(4, 1, 16), (b"iCCP", profile), (b"IDAT", pixels), (b"IEND", b"")))


def text_bomb(folder: Path) -> Path:
    """A PNG with a note that unpacks to 2 GB."""
    note = b"Comment\0\0" + _zeros(2048 * MEGABYTE)
    pixels = zlib.compress(b"\0" + bytes(4))
    return _put(folder, "a.png", _png(_ihdr(4, 1), (b"zTXt", note), (b"IDAT", pixels), (b"IEND", b"")))


def _tiff(entries: list[tuple[int, int, int, int]], following: int, data: bytes = b"") -> bytes:
    """A little-endian TIFF of one directory at byte 8; ``data`` stands behind it."""
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + struct.pack("<I", following) + data


def _basic(width: int, height: int, *, bits: int = 8, compression: int = 1, length: int = 4) -> bytes:
    count = 9
    behind = 8 + 2 + 12 * count + 4
    entries = [
        *((256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, bits), (259, 3, 1, compression), (262, 3, 1, 1)),
        *((273, 4, 1, behind), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, length)),
    ]
    return _tiff(entries, 0)


def circle_tiff(folder: Path) -> Path:
    """A TIFF whose first directory is followed by itself."""
    whole = bytearray(_basic(2, 2) + bytes(4))
    struct.pack_into("<I", whole, 8 + 2 + 12 * 9, 8)
    return _put(folder, "a.tif", bytes(whole))


def circle_deep_tiff(folder: Path) -> Path:
    """The same with 16 bits a sample."""
    whole = bytearray(_basic(2, 2, bits=16, length=8) + bytes(8))
    struct.pack_into("<I", whole, 8 + 2 + 12 * 9, 8)
    return _put(folder, "a.tif", bytes(whole))


def long_circle_tiff(folder: Path) -> Path:
    """A TIFF of two directories, each followed by the other, 16 bits a sample."""
    first = bytearray(_basic(2, 2, bits=16, length=8) + bytes(8))
    table = bytes(first[8:-8])
    struct.pack_into("<I", first, 8 + 2 + 12 * 9, len(first))
    return _put(folder, "a.tif", bytes(first) + table[:-4] + struct.pack("<I", 8))


def sub_circle_tiff(folder: Path) -> Path:
    """A TIFF whose EXIF directory is the first one again."""
    entries = [
        *((256, 4, 1, 2), (257, 4, 1, 2), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 134)),
        *((277, 3, 1, 1), (278, 4, 1, 2), (279, 4, 1, 8), (34665, 4, 1, 8)),
    ]
    return _put(folder, "a.tif", _tiff(entries, 0, bytes(8)))


def many_pages_tiff(folder: Path) -> Path:
    """A TIFF of 60000 empty directories."""
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((4, 4), np.uint16), metadata=None)
    data = bytearray(file.getvalue())
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    place = len(data)
    struct.pack_into("<I", data, first + 2 + 12 * count, place)
    entry = struct.pack("<HHII", 256, 4, 1, 4)
    for number in range(60000):
        data += struct.pack("<H", 1) + entry + struct.pack("<I", place + 18 * (number + 1))
    return _put(folder, "a.tif", bytes(data[:-4]) + bytes(4))


def huge_tiff(folder: Path) -> Path:
    """A TIFF that declares 2^31 x 2^31 pixels."""
    return _put(folder, "a.tif", _basic(2**31, 2**31) + bytes(4))


def huge_deep_tiff(folder: Path) -> Path:
    """The same with 16 bits a sample."""
    return _put(folder, "a.tif", _basic(2**31, 2**31, bits=16) + bytes(8))


def deflate_tiff(folder: Path) -> Path:
    """A TIFF of 2 x 2 pixels whose strip unpacks to 2 GB, 16 bits a sample."""
    packed = _zeros(2048 * MEGABYTE)
    return _put(folder, "a.tif", _basic(2, 2, bits=16, compression=8, length=len(packed)) + packed)


def many_tags_tiff(folder: Path) -> Path:
    """A TIFF that declares 65535 tags in its directory."""
    return _put(folder, "a.tif", b"II*\0" + struct.pack("<IH", 8, 65535) + os.urandom(0) + bytes(300))


def gigabyte_tag_tiff(folder: Path) -> Path:
    """A TIFF with a description of 4 GB by its own account."""
    entries = [(256, 4, 1, 2), (257, 4, 1, 2), (258, 3, 1, 16), (270, 2, 2**32 - 1, 8), (273, 4, 1, 8)]
    return _put(folder, "a.tif", _tiff(entries, 0, bytes(64)))


def postscript(folder: Path) -> Path:
    """A program in PostScript that is named like a picture."""
    lines = ["%!PS-Adobe-3.0 EPSF-3.0", "%%BoundingBox: 0 0 20 20", "%%EndComments", "showpage", "%%EOF", ""]
    return _put(folder, "a.png", "\n".join(lines).encode())


def line_png(folder: Path) -> Path:
    """A PNG of 1 x 100000 pixels."""
    return _picture(folder / "a.png", 1, 100_000)


def line_tiff(folder: Path) -> Path:
    """A TIFF of 100000 x 1 pixels."""
    return _picture(folder / "a.tif", 100_000, 1)


def line_jpeg(folder: Path) -> Path:
    """A JPEG of 1 x 65500 pixels."""
    return _picture(folder / "a.jpg", 1, 65_500)


def point_png(folder: Path) -> Path:
    """A PNG of a single pixel."""
    return _picture(folder / "a.png", 1, 1)


def line_psf(folder: Path) -> Path:
    """A PSF of 1 x 100000 pixels as a picture."""
    return _picture(folder / "a.png", 1, 100_000)


def _picture(path: Path, height: int, width: int) -> Path:
    values = np.arange(height * width, dtype=np.int64).reshape(height, width) * 7 % 256
    Image.fromarray(values.astype(np.uint8)).save(path)
    return path


def empty(folder: Path) -> Path:
    """A file of zero bytes."""
    return _put(folder, "a.jpg", b"")


def folder_as_picture(folder: Path) -> Path:
    """A folder that is named like a picture."""
    (folder / "a.png").mkdir()
    return folder / "a.png"


def loop(folder: Path) -> Path:
    """A link to itself."""
    (folder / "a.png").symlink_to(folder / "a.png")
    return folder / "a.png"


def dangling(folder: Path) -> Path:
    """A link to nothing."""
    (folder / "a.png").symlink_to(folder / "missing.png")
    return folder / "a.png"


def unreadable(folder: Path) -> Path:
    """A file that nobody may read."""
    path = _put(folder, "a.png", photographs()["rgb.png"])
    path.chmod(0)
    return path


def pipe(folder: Path) -> Path:
    """A named pipe that nobody writes to."""
    os.mkfifo(folder / "a.png")
    return folder / "a.png"


def device(folder: Path) -> Path:
    """A link to a device that never ends."""
    (folder / "a.png").symlink_to("/dev/zero")
    return folder / "a.png"


def long_name(folder: Path) -> Path:
    """A name of 300 letters."""
    return folder / ("a" * 300 + ".png")


def null_name(folder: Path) -> Path:
    """A name with a null character."""
    return folder / "a\0b.png"


def two_line_name(folder: Path) -> Path:
    """A damaged file with a line break in its name."""
    return _put(folder, "a\nb.png", b"no picture")


def latin_name(folder: Path) -> Path:
    """A name that is not UTF-8."""
    path = folder / os.fsdecode(b"caf\xe9.png")
    return _put(folder, path.name, photographs()["rgb.png"])


def pickled_psf(folder: Path) -> Path:
    """A .npy of objects, which would be unpickled."""
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], object), allow_pickle=True)
    return _put(folder, "a.npy", file.getvalue())


def bare_pickle(folder: Path) -> Path:
    """A pickle that is named .npy."""
    return _put(folder, "a.npy", pickle.dumps([[1.0, 2.0]]))


def huge_npy(folder: Path) -> Path:
    """A .npy that declares 10^12 numbers."""
    return _npy(folder, "(1000000, 1000000)")


def overflowing_npy(folder: Path) -> Path:
    """A .npy whose size overflows 64 bits."""
    return _npy(folder, "(4294967296, 4294967296, 16)")


def deep_npy(folder: Path) -> Path:
    """A .npy whose header nests brackets 5000 deep."""
    return _npy(folder, "(" * 5000 + ")" * 5000)


def _npy(folder: Path, shape: str) -> Path:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return _put(folder, "a.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + bytes(64))


def mat_bomb(folder: Path) -> Path:
    """A MATLAB file whose variable unpacks to 2 GB."""
    sound = psfs()["packed.mat"]
    (packed,) = struct.unpack_from("<I", sound, 132)
    head = bytearray(zlib.decompress(sound[136 : 136 + packed]))
    # The matrix's own dimensions and lengths now speak of 16384 x 16384 doubles.
    dimensions = head.index(struct.pack("<II", 5, 8)) + 8
    struct.pack_into("<II", head, dimensions, 16384, 16384)
    lie = bytes(head[: dimensions + 8]) + struct.pack("<HH4s", 1, 1, b"k") + struct.pack("<II", 9, 2**31)
    data = _zeros(2048 * MEGABYTE, lie)
    return _put(folder, "a.mat", sound[:128] + struct.pack("<II", 15, len(data)) + data)


def deep_recipe(folder: Path) -> Path:
    """A recipe that nests brackets 200000 deep."""
    return _put(folder, "a.toml", b"name = " + b"[" * 200_000)


def recipe_folder(folder: Path) -> Path:
    """A folder instead of a recipe."""
    (folder / "a.toml").mkdir()
    return folder / "a.toml"


def recipe_pipe(folder: Path) -> Path:
    """A named pipe instead of a recipe."""
    os.mkfifo(folder / "a.toml")
    return folder / "a.toml"


def recipe_device(folder: Path) -> Path:
    """A device that never ends instead of a recipe."""
    (folder / "a.toml").symlink_to("/dev/zero")
    return folder / "a.toml"


def terabytes(folder: Path) -> Path:
    """Weights whose header claims a tensor of 4 TB."""
    header = b'{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}'
    return _put(folder, "w.safetensors", struct.pack("<Q", len(header)) + header + bytes(64))


def weights_pipe(folder: Path) -> Path:
    """A named pipe instead of weights."""
    os.mkfifo(folder / "w.safetensors")
    return folder / "w.safetensors"


def malicious_state(folder: Path) -> Path:
    """A training state whose pickle would run a command."""
    import torch

    class Command:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {folder}/executed",)

    torch.save({"belongs_to": "run", "harm": Command()}, folder / "last.pt")
    return folder / "last.pt"


_MADE: dict[str, tuple[Callable[[Path], Path], ...]] = {
    "restore": (
        *(huge_png, huge_deep_png, endless_png, endless_deep_png, profile_bomb, deep_profile_bomb, text_bomb),
        *(circle_tiff, circle_deep_tiff, long_circle_tiff, sub_circle_tiff, many_pages_tiff, huge_tiff, huge_deep_tiff),
        *(
            deflate_tiff,
            many_tags_tiff,
            gigabyte_tag_tiff,
            postscript,
            line_png,
            line_tiff,
            line_jpeg,
            point_png,
            empty,
        ),
        *(folder_as_picture, loop, dangling, unreadable, pipe, device, long_name, two_line_name, latin_name),
    ),
    "psf": (
        *(huge_png, line_psf, pickled_psf, bare_pickle, huge_npy, overflowing_npy, deep_npy, mat_bomb),
        *(empty, loop, folder_as_picture, pipe, device, circle_tiff),
    ),
    "recipe": (deep_recipe, recipe_folder, recipe_pipe, recipe_device, loop, long_name, null_name),
    "weights": (terabytes, weights_pipe, device, loop, folder_as_picture, long_name, null_name),
    "state": (malicious_state, empty, folder_as_picture),
}
TRAPS = {
    f"{door}-{make.__name__.replace('_', '-')}": Trap(door, make) for door, makers in _MADE.items() for make in makers
}
"""By the door and the file."""
