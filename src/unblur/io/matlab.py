"""Matrices of MATLAB files of version 4 to 7, read here: a damaged length makes SciPy's reader end the whole process.

The layout is that of MathWorks' "MAT-File Format": after 128 bytes of head a row of elements, each with its kind and
length in 8 bytes; in version 4 a row of matrices with 20 bytes of head each.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from unblur.errors import PsfError

Matrix = np.ndarray[Any, np.dtype[Any]]
_MATRIX, _COMPRESSED = 14, 15
"""Kinds of elements that hold others."""
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""Kinds of elements that hold numbers."""
_OLD_TYPES = ("f8", "f4", "i4", "i2", "u2", "u1")
_NUMERIC = range(6, 16)
"""Classes of matrices that are numbers, not text, cells, structures or sparse."""
_COMPLEX = 0x0800
_HDF5 = (b"\0\2", b"\2\0")
"""Version 7.3, in either byte order: another format behind the same head."""
_ELEMENTS = 10_000
"""Variables, and parts of each, that are looked at."""


def real_matrices(path: Path, *, largest: int) -> dict[str, Matrix]:
    """The real matrices of two dimensions and more than one number, by name, in the type in which they are stored.

    Args:
        path: of the file.
        largest: bytes that it may have, and that it may unpack to.

    Raises:
        PsfError: it is larger, of version 7.3, no MATLAB file, or holds less than its lengths say.
    """
    data = path.read_bytes() if path.stat().st_size <= largest else b""
    if not data:
        raise PsfError(f"{path} has more than {largest >> 20} MB, expected a PSF; save the PSF alone")
    if data[124:126] in _HDF5:
        raise PsfError(
            f"{path} is a MATLAB file of version 7.3, expected version 7 or older; save it with save(..., '-v7')"
        )
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    try:
        if 0 in data[:4]:  # version 4 begins with four small numbers, later ones with text
            found = dict(_of_version_4(data))
        elif order is not None:
            found = dict(_of_version_5(data, order, largest))
        else:
            raise PsfError(f"{path} is no MATLAB file, whatever its name says; save the PSF again")
    except (ValueError, struct.error, zlib.error, TypeError) as error:
        raise PsfError(f"{path} cannot be decoded ({error}); the file is damaged or not what its name says") from error
    # Without a name goes what MATLAB keeps for itself.
    return {name: matrix for name, matrix in found.items() if name and matrix.ndim == 2 and matrix.size > 1}


def _of_version_5(data: bytes, order: str, largest: int) -> Iterator[tuple[str, Matrix]]:
    """Each variable that is a real matrix; of the others the lengths only."""
    left = largest
    for kind, content in _elements(data, 128, order, step=1):
        matrix = content
        if kind == _COMPRESSED:
            packed = zlib.decompressobj()
            unpacked = packed.decompress(content, left)
            left -= len(unpacked)
            if left <= 0:
                raise ValueError(f"it unpacks to more than {largest >> 20} MB")
            kind, matrix = next(_elements(unpacked, 0, order), (0, b""))
        if kind == _MATRIX:
            yield from _matrix(matrix, order)


def _matrix(content: bytes | memoryview, order: str) -> Iterator[tuple[str, Matrix]]:
    """The matrix of one element, unless it holds no real numbers."""
    parts = _elements(content, 0, order)
    _, flags = next(parts, (0, b""))
    (word,) = struct.unpack_from(order + "I", flags)
    if word & 0xFF not in _NUMERIC or word & _COMPLEX:
        return
    (_, sides), (_, name), (kind, numbers) = (next(parts, (0, b"")) for _ in range(3))
    shape = np.frombuffer(sides, order + "i4")
    if kind not in _TYPES:
        raise ValueError(f"its numbers are of kind {kind}")
    values = np.frombuffer(numbers, order + _TYPES[kind])
    yield bytes(name).decode("ascii", "replace"), values.reshape(_checked(shape.tolist()), order="F")


def _of_version_4(data: bytes) -> Iterator[tuple[str, Matrix]]:
    place, seen = 0, 0
    while place < len(data) and seen < _ELEMENTS:
        order = "<" if data[place + 2 : place + 4] == b"\0\0" else ">"  # the first number is 4 digits at most
        kind, rows, columns, imaginary, letters = struct.unpack_from(order + "5I", data, place)
        if kind > 4052 or not 0 < letters <= 4096:
            raise ValueError("there is no matrix where one should begin")
        name = data[place + 20 : place + 20 + letters].split(b"\0")[0].decode("ascii", "replace")
        if kind // 10 % 10 >= len(_OLD_TYPES):
            raise ValueError(f"its numbers are of kind {kind}")
        type_ = np.dtype(order + _OLD_TYPES[kind // 10 % 10])
        begin, size = place + 20 + letters, rows * columns * type_.itemsize
        if begin + size > len(data):
            raise ValueError("it holds less than its lengths say")
        if kind % 10 == 0 and not imaginary:
            yield name, np.frombuffer(data, type_, rows * columns, begin).reshape((rows, columns), order="F")
        place, seen = begin + size * (2 if imaginary else 1), seen + 1


def _elements(
    data: bytes | memoryview, place: int, order: str, *, step: int = 8
) -> Iterator[tuple[int, bytes | memoryview]]:
    """Kind and content of every element from a place on; ``step`` is what their lengths are rounded up to."""
    view, seen = memoryview(data), 0
    while place + 8 <= len(view) and seen < _ELEMENTS:
        kind, length = struct.unpack_from(order + "II", view, place)
        if kind >> 16:  # up to 4 bytes stand in the place of their length, which stands beside the kind
            kind, length = kind & 0xFFFF, kind >> 16
            if length > 4:
                raise ValueError(f"{length} bytes are said to fit into 4")
            yield kind, view[place + 4 : place + 4 + length]
            place += 8
        else:
            if place + 8 + length > len(view):
                raise ValueError("it holds less than its lengths say")
            yield kind, view[place + 8 : place + 8 + length]
            place += 8 + -(-length // step) * step
        seen += 1


def _checked(shape: list[int]) -> list[int]:
    """The sides of a matrix; NumPy would take a -1 for a side to be found."""
    if len(shape) < 2 or min(shape) < 0:
        raise ValueError(f"a matrix has the sides {shape[:4]}")
    return shape
