"""Pictures restored from top to bottom, one row of tiles after the other, so that neither need be held as a whole."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from unblur.psf.grid import PlacedPsfs
from unblur.tensors import Psf, Report
from unblur.tiling import Step, portion, tiles


@runtime_checkable
class Rows(Protocol):
    """A picture that is read by rows."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Batch, channels, height and width."""
        ...

    def read(self, rows: slice) -> Tensor:
        """Rows of all planes, ``(B, C, n, W)``, of any number type."""
        ...


@dataclass(frozen=True)
class Held:
    """A picture in memory, ``(B, C, H, W)``, read by rows."""

    planes: Tensor

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Batch, channels, height and width."""
        batch, channels, height, width = self.planes.shape
        return batch, channels, height, width

    def read(self, rows: slice) -> Tensor:
        """A view."""
        return self.planes[..., rows, :]


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Along one axis, a tile around a knot that fades out towards its neighbours; all tiles together weigh 1."""

    knot: float
    read: slice
    kept: slice
    """Within what was read."""
    written: slice
    share: Tensor
    """Of each pixel written, float64."""


def tiled_bands(
    step: Step, source: Rows, psf: Psf, *, tile: int, margin: int, grid: int = 1, report: Report | None = None
) -> Iterator[Tensor]:
    """The result of :func:`unblur.tiling.tiled`, in bands of full width from top to bottom.

    Args:
        step: restores one piece.
        source: the picture.
        psf: handed on.
        tile: as for ``tiled``.
        margin: as for ``tiled``.
        grid: as for ``tiled``.
        report: told the share of the whole work; may raise ``Cancelled``.
    """
    height, width = source.shape[-2:]
    pieces = tiles(height, width, tile=tile, margin=margin, grid=grid)
    done = 0
    for (top, bottom), row in groupby(pieces, key=lambda piece: (piece.written[0].start, piece.written[0].stop)):
        band = result = None
        for piece in row:
            band = source.read(piece.read[0]) if band is None else band
            part = step(band[..., piece.read[1]], psf, report=portion(report, done, len(pieces)))
            if result is None:
                result = band.new_empty(*band.shape[:2], bottom - top, width)
            result[..., piece.written[1]] = part[(..., *piece.kept)].to(result.device)
            done += 1
            if report:
                report(done / len(pieces))
        if result is not None:
            yield result


def blended_bands(
    step: Step,
    source: Rows,
    psfs: PlacedPsfs,
    *,
    cell: tuple[int | None, int | None],
    margin: int,
    grid: int = 1,
    weight: Rows | None = None,
    report: Report | None = None,
) -> Iterator[Tensor]:
    """Restore a picture whose PSF varies, in bands of full width from top to bottom.

    Tiles lie around knots that are evenly spread over the picture; each is restored with the PSF at its knot, and its
    share of the result falls linearly to 0 at the next knot. What is restored with one PSF thus passes smoothly into
    what is restored with the next, and where a tile ends it counts for nothing.

    Args:
        step: restores one piece to light, which is mixed.
        source: the picture.
        psfs: laid on it.
        cell: most pixels between two knots, down and across; None makes a single tile along that axis.
        margin: pixels of surroundings on each side of a tile.
        grid: pieces begin at multiples of this many pixels.
        weight: cut like the picture.
        report: told the share of the whole work; may raise ``Cancelled``.

    Returns:
        Float bands ``(B, C, n, W)`` of light, not clipped; together as high as the picture.

    After the overlapping windows of Nagy and O'Leary 1998 and of Hirsch and others 2010, for restoring instead of
    blurring.
    """
    height, width = source.shape[-2:]
    rows, columns = (overlaps(length, part, margin, grid) for length, part in zip((height, width), cell, strict=True))
    count, carried = len(rows) * len(columns), None
    for i, row in enumerate(rows):
        band = source.read(row.read)
        trust = None if weight is None else weight.read(row.read)
        light: Tensor | None = None
        for j, column in enumerate(columns):
            done = i * len(columns) + j
            part = step(
                band[..., column.read],
                psfs.psf_at(column.knot, row.knot),
                weight=None if trust is None else trust[..., column.read],
                report=portion(report, done, count),
            )[..., row.kept, column.kept].to(band.device)
            if light is None:
                light = part.new_zeros(*part.shape[:-1], width)
            light[..., column.written] += part * torch.outer(row.share, column.share).to(part)
            if report:
                report((done + 1) / count)
        assert light is not None  # there is at least one column
        if carried is not None:
            light[..., : carried.shape[-2], :] += carried
        final = (rows[i + 1].written.start if i + 1 < len(rows) else height) - row.written.start
        carried = light[..., final:, :].clone()  # a view would hold all of it
        yield light[..., :final, :]
        del band, part, light  # no two rows of tiles are held at once


def overlaps(length: int, cell: int | None, margin: int, grid: int = 1) -> Sequence[Overlap]:
    """Tiles along an axis, from its first pixel to its last; see :func:`blended_bands`."""
    count = 0 if cell is None or length == 1 else math.ceil((length - 1) / cell)
    knots = [(length - 1) * number / count for number in range(count + 1)] if count else [(length - 1) / 2]
    found = []
    for number, knot in enumerate(knots):
        before = knots[number - 1] if number else -1
        after = knots[number + 1] if number + 1 < len(knots) else length
        start, stop = math.floor(before) + 1, math.ceil(after)
        place = torch.arange(start, stop, dtype=torch.float64)
        share = torch.ones_like(place)
        if number:
            share = torch.where(place < knot, (place - before) / (knot - before), share)
        if number + 1 < len(knots):
            share = torch.where(place > knot, (after - place) / (after - knot), share)
        first, last = max(0, start - margin) // grid * grid, min(length, stop + margin)
        found.append(
            Overlap(
                knot=knot,
                read=slice(first, last),
                kept=slice(start - first, stop - first),
                written=slice(start, stop),
                share=share,
            )
        )
    return found
