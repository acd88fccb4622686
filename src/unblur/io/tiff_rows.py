"""TIFF files larger than memory: read by rows, strip by strip or tile by tile."""

import math
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import tifffile
import torch
from torch import Tensor

from unblur.errors import ImageError
from unblur.io.exif import with_sound_exif
from unblur.io.picture import Picture, Pixels
from unblur.io.read import profiled
from unblur.io.tiff import exif_block, is_tiff

LIMIT = 10_000_000_000
"""Pixels; above it a header is taken for an attack or a mistake."""
_LARGEST_PIECE = 2**27
"""Bytes of a strip or tile that must be decoded in one go."""
_KINDS = ((1, 8), (1, 16), (3, 16), (3, 32), (3, 64))
"""Sample format and bits that are read by rows."""
_GREY = (0, 1)
_RGB = 2
_PLACE_TAG, _ORIENTATION_TAG, _ICC_TAG = 34853, 274, 34675


class TiffRows:
    """The first image of an open TIFF, read by rows; :func:`opened_rows` makes it.

    Args:
        path: the file.
        file: opened.
    """

    def __init__(self, path: Path, file: tifffile.TiffFile) -> None:
        self.path, self._file, self._page = path, file, file.pages.first
        page = self._page
        self._colours = 3 if int(page.photometric) == _RGB else 1
        self._height, self._width, self._samples = page.imagelength, page.imagewidth, page.samplesperpixel
        self._apart = self._samples > 1 and int(page.planarconfig) == 2
        self._rows = page.tilelength if page.is_tiled else min(page.rowsperstrip, page.imagelength)
        self._across = math.ceil(self._width / page.tilewidth) if page.is_tiled else 1
        self._in_strips = not page.is_tiled and int(page.compression) == 1 and int(page.predictor) == 1
        self._kept: tuple[slice, Pixels] | None = None

    def __enter__(self) -> "TiffRows":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """1, 1 or 3 colours, height and width."""
        return 1, self._colours, self._height, self._width

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Of the samples, in the machine's byte order."""
        found: np.dtype[Any] = np.dtype(self._page.dtype).newbyteorder("=")
        return found

    @property
    def decoded_bytes(self) -> int:
        """Of all colours, decoded."""
        return self._height * self._width * self._colours * self.dtype.itemsize

    @property
    def has_alpha(self) -> bool:
        """Whether there is opacity behind the colours."""
        return bool(self._samples > self._colours)

    def picture(self) -> Picture:
        """All about the picture but its pixels: an array of no rows stands for them."""
        tags, exif, notes = self._page.tags, *exif_block(self.path)
        if len(self._file.pages) > 1:
            notes += ("only the first of several images was read",)
        if self._samples > self._colours + 1:
            notes += (f"{self._samples - self._colours - 1} extra channels dropped",)
        if _PLACE_TAG in tags:
            notes += ("its place on earth (GPS) was dropped",)
        return with_sound_exif(
            profiled(
                Picture(
                    pixels=np.empty((0, self._width, self._colours), self.dtype),
                    format="TIFF",
                    icc=tags[_ICC_TAG].value if _ICC_TAG in tags else None,
                    exif=exif,
                    notes=notes,
                )
            )
        )

    def read(self, rows: slice) -> Tensor:
        """Rows of the colours, ``(1, C, n, W)``, of the file's own type.

        Raises:
            ImageError: these rows are damaged or missing.
        """
        pixels = np.ascontiguousarray(self._decoded(rows)[..., : self._colours])
        return torch.from_numpy(pixels).permute(2, 0, 1)[None]

    def alpha(self, rows: slice) -> Pixels:
        """Rows of the opacity, ``(n, W)``.

        Raises:
            ImageError: these rows are damaged or missing.
        """
        return np.ascontiguousarray(self._decoded(rows)[..., self._colours])

    def _decoded(self, rows: slice) -> Pixels:
        """All samples of some rows, ``(n, W, S)``; what the last rows asked for have in common is not decoded again."""
        if self._kept is not None and self._kept[0].start <= rows.start <= rows.stop <= self._kept[0].stop:
            top = self._kept[0].start
            return self._kept[1][rows.start - top : rows.stop - top]
        missing, known = rows, np.empty((0, self._width, self._samples), self.dtype)
        if self._kept is not None and self._kept[0].start <= rows.start < self._kept[0].stop:
            there, kept = self._kept
            known = kept[rows.start - there.start : rows.stop - there.start].copy()
            missing = slice(rows.start + len(known), rows.stop)
            del kept
        self._kept = None  # let go before the next rows take their room
        result = np.zeros((rows.stop - rows.start, self._width, self._samples), self.dtype)
        result[: len(known)] = known
        try:
            for number in range(missing.start // self._rows, math.ceil(missing.stop / self._rows)):
                for row, column, plane, part in self._pieces(number, missing):
                    first, last = max(row, missing.start), min(row + part.shape[0], missing.stop)
                    planes = slice(plane, plane + part.shape[2])
                    into = result[first - rows.start : last - rows.start, column : column + part.shape[1], planes]
                    into[:] = part[first - row : last - row]
        except ImageError:
            raise
        except Exception as error:  # decoders raise anything over a damaged file
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ImageError(f"{self.path} cannot be decoded ({reason}); the file is damaged, copy it again") from error
        if int(self._page.photometric) == 0:  # white is 0
            new = result[missing.start - rows.start :, :, 0]
            new[:] = (np.iinfo(self.dtype).max if self.dtype.kind == "u" else 1) - new
        self._kept = (rows, result)
        return result

    def _pieces(self, number: int, rows: slice) -> Iterator[tuple[int, int, int, Pixels]]:
        """Row, column, plane and pixels of the strips or tiles of one row of them."""
        page, down = self._page, math.ceil(self._height / self._rows)
        for plane in range(self._samples if self._apart else 1):
            for column in range(self._across):
                index = (plane * down + number) * self._across + column
                if self._in_strips:
                    first = max(rows.start, number * self._rows)
                    last = min(rows.stop, (number + 1) * self._rows, self._height)
                    yield first, 0, plane, self._stored_rows(index, first - number * self._rows, last - first)
                    continue
                count = page.databytecounts[index]
                data = self._bytes_at(page.dataoffsets[index], count) if count else None
                segment, (first_plane, _, row, left, _), shape = page.decode(data, index, jpegtables=page.jpegtables)
                if segment is not None:
                    inside = min(shape[1], self._height - row), min(shape[2], self._width - left)
                    yield row, left, first_plane, segment[0, : inside[0], : inside[1]]

    def _stored_rows(self, index: int, first: int, count: int) -> Pixels:
        """Rows of a strip that is not compressed, without the rest of it."""
        samples = 1 if self._apart else self._samples
        dtype = np.dtype(f"{self._file.byteorder}{self.dtype.kind}{self.dtype.itemsize}")
        wide = self._width * samples * dtype.itemsize
        if (first + count) * wide > self._page.databytecounts[index]:
            raise ImageError(f"{self.path} ends before its last row; the file is damaged, copy it again")
        data = self._bytes_at(self._page.dataoffsets[index] + first * wide, count * wide)
        return np.frombuffer(data, dtype).reshape(count, self._width, samples)

    def _bytes_at(self, place: int, count: int) -> bytes:
        handle = self._file.filehandle
        handle.seek(place)
        data: bytes = handle.read(count)
        if len(data) < count:
            raise ImageError(f"{self.path} ends before its last row; the file is damaged, copy it again")
        return data


def opened_rows(path: Path) -> TiffRows | None:
    """A TIFF opened for reading by rows; None for other files and for TIFFs that can only be read as a whole.

    Those are TIFFs that are turned by their orientation, have other colours than grey and RGB, or are one compressed
    piece of more than 128 MB. Whether the rest of the file is sound shows as it is read.

    Raises:
        ImageError: a picture of more than :data:`LIMIT` pixels.
    """
    try:
        with path.open("rb") as opened:
            if not path.is_file() or not is_tiff(opened.read(4)):
                return None
        file = tifffile.TiffFile(path)
    except Exception:  # whoever reads it as a whole will say what is wrong
        return None
    try:
        if not _by_rows(file.pages.first):
            file.close()
            return None
        source = TiffRows(path, file)
    except Exception:
        file.close()
        return None
    height, width = source.shape[2:]
    if height * width > LIMIT:
        file.close()
        raise ImageError(f"{path} has {width} x {height} pixels, expected at most {LIMIT / 1e9:g} gigapixels; split it")
    return source


def _by_rows(page: Any) -> bool:
    """Whether a TIFF's image can be read by rows."""
    tags = page.tags
    samples = int(page.samplesperpixel)
    apart = samples > 1 and int(page.planarconfig) == 2
    rows = page.tilelength if page.is_tiled else min(page.rowsperstrip, page.imagelength)
    columns = page.tilewidth if page.is_tiled else page.imagewidth
    piece = rows * columns * (1 if apart else samples) * page.bitspersample // 8
    stored = not page.is_tiled and int(page.compression) == 1 and int(page.predictor) == 1
    return (
        (int(page.sampleformat), page.bitspersample) in _KINDS
        and int(page.photometric) in (*_GREY, _RGB)
        and samples >= (3 if int(page.photometric) == _RGB else 1)
        and page.imagedepth == 1
        and int(page.fillorder) == 1
        and min(page.imagelength, page.imagewidth, rows, columns) > 0
        and (int(tags[_ORIENTATION_TAG].value) if _ORIENTATION_TAG in tags else 1) == 1
        and (stored or piece <= _LARGEST_PIECE)
    )
