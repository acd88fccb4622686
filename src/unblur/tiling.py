"""Large pictures in pieces: each tile is restored with enough of its surroundings, and only its middle is kept."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from unblur.errors import ConfigError
from unblur.tensors import Image, Psf, Report

Box = tuple[slice, slice]


@runtime_checkable
class Step(Protocol):
    """What is done with one tile: a deconvolver, or one between a decoder and an encoder of integers."""

    def __call__(
        self, blurred: Tensor, psf: Psf, *, weight: Image | None = None, report: Report | None = None
    ) -> Tensor:
        """Return a picture of the same shape."""
        ...


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One piece: what is read of the picture, what is kept of the result, and where that goes."""

    read: Box
    kept: Box
    """Within the piece that was read."""
    written: Box


def tiled(
    step: Step,
    blurred: Tensor,
    psf: Psf,
    *,
    tile: int,
    margin: int,
    grid: int = 1,
    weight: Image | None = None,
    report: Report | None = None,
) -> Tensor:
    """Restore a picture piece by piece.

    The surroundings of a tile come from the picture itself. At the picture's border the tile simply ends, so that the
    method's own treatment of borders acts there and nowhere else. The result has the type of ``blurred``, which may be
    of integers if ``step`` takes them.

    Args:
        step: restores one piece.
        blurred: ``(B, C, H, W)``.
        psf: handed on.
        tile: largest side of what is kept of a piece, in pixels; smaller needs less memory and more time.
        margin: pixels of surroundings on each side; larger makes seams fainter.
        grid: pieces begin at multiples of this many pixels, for methods that work in cells.
        weight: ``(B|1, C|1, H, W)``, cut like the picture.
        report: told the share of the whole work; may raise ``Cancelled``.
    """
    height, width = blurred.shape[-2], blurred.shape[-1]
    pieces = tiles(height, width, tile=tile, margin=margin, grid=grid)
    if len(pieces) == 1:
        return step(blurred, psf, weight=weight, report=report)
    restored = torch.empty_like(blurred, memory_format=torch.contiguous_format)
    for done, piece in enumerate(pieces):
        part = step(
            blurred[(..., *piece.read)],
            psf,
            weight=None if weight is None else weight[(..., *piece.read)],
            report=portion(report, done, len(pieces)),
        )
        restored[(..., *piece.written)] = part[(..., *piece.kept)].to(restored.device)
        if report:
            report((done + 1) / len(pieces))
    return restored


def tiles(height: int, width: int, *, tile: int, margin: int, grid: int = 1) -> list[Tile]:
    """Cut a picture into pieces of about equal size, row by row; what is read begins at multiples of ``grid``.

    Raises:
        ConfigError: ``tile`` is not positive or ``margin`` is negative.
    """
    check_tile(tile, margin)
    rows, columns = _spans(height, tile, margin, grid), _spans(width, tile, margin, grid)
    return [
        Tile(read=(row[0], column[0]), kept=(row[1], column[1]), written=(row[2], column[2]))
        for row in rows
        for column in columns
    ]


def check_tile(tile: int, margin: int) -> None:
    """Refuse what no picture can be cut into.

    Raises:
        ConfigError: ``tile`` is not positive or ``margin`` is negative.
    """
    if tile < 1:
        raise ConfigError(f"the tile has {tile} pixels a side, expected at least 1; 1024 is a good start")
    if margin < 0:
        raise ConfigError(f"the margin of a tile is {margin} pixels, expected 0 or more")


def tile_for_memory(memory_bytes: int, bytes_per_pixel: int, margin: int, *, fixed: int = 0) -> int:
    """The largest tile that works within a given memory.

    Args:
        memory_bytes: for the work on one tile; the picture and its result come on top.
        bytes_per_pixel: that the method takes at its peak, all channels together.
        margin: of the tiles, in pixels.
        fixed: bytes that the method takes whatever the size.

    Raises:
        ConfigError: not even a tile of 32 pixels fits.
    """
    side = math.isqrt(max(0, memory_bytes - fixed) // bytes_per_pixel) - 2 * margin
    smallest = 32
    if side < smallest:
        needed = (smallest + 2 * margin) ** 2 * bytes_per_pixel + fixed
        raise ConfigError(
            f"{memory_bytes / 1e6:.0f} MB are too little for a tile with its margin of {margin} pixels; "
            f"expected at least {math.ceil(needed / 1e6)} MB"
        )
    return side


def _spans(length: int, tile: int, margin: int, grid: int) -> list[tuple[slice, slice, slice]]:
    """Along one axis: what is read, what of it is kept, and where that goes."""
    count = math.ceil(length / tile)
    edges = [round(length * number / count) for number in range(count + 1)]
    spans = []
    for start, stop in pairwise(edges):
        first, last = max(0, start - margin) // grid * grid, min(length, stop + margin)
        spans.append((slice(first, last), slice(start - first, stop - first), slice(start, stop)))
    return spans


def portion(report: Report | None, done: int, count: int) -> Report | None:
    """A report for one piece that tells the share of the whole."""
    if report is None:
        return None

    def tell(share: float, whole: Callable[[float], None] = report) -> None:
        whole((done + share) / count)

    return tell
