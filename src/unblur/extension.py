"""Tiles cut from the extended photograph, so that each knows beyond the frame what the whole knows there.

What a solver puts beyond the frame fits to all of the photograph's edges, and rings inwards as far as its inverse
reaches. A tile that made an extension of its own would fit to other edges. So the photograph is extended once and for
all, though only the piece that is asked for is ever made, and a tile at the frame has its margin like any other: first
what lies beyond the frame, then, as the domain is a circle, the opposite side of the photograph.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from unblur.bands import Rows
from unblur.boundary import Arc, domain, filled, sources, trusted_mean
from unblur.tensors import Image, Psf, Report, Weight
from unblur.tiling import check_tile, portion

BLOCK = 256
"""Rows of a photograph that are looked at together, to find what stands in place of its ignored pixels."""


@runtime_checkable
class PieceStep(Protocol):
    """What is done with a piece of an extended photograph, between stored numbers and light."""

    def decoded(self, stored: Tensor) -> Image:
        """Stored numbers as light."""
        ...

    def room(self, psf: Psf) -> Tensor:
        """A PSF of the size for which the photograph is extended."""
        ...

    def piece(
        self, extended: Image, psf: Psf, *, weight: Weight, place: tuple[Arc, Arc], report: Report | None = None
    ) -> Image:
        """Restore light ``(B, C, h, w)`` with weight 0 beyond the frame; not clipped."""
        ...

    def as_stored(self, restored: Image, like: Tensor) -> Tensor:
        """Light as numbers of the type of ``like``, on its device."""
        ...


@dataclass(frozen=True, kw_only=True)
class Span:
    """A tile along one axis: its pixels in the extended photograph."""

    first: Tensor
    """Numbers of the photograph's pixels that stand there."""
    second: Tensor
    """Those that they are mixed with."""
    mixed: Tensor
    """Places where that is so,"""
    share: Tensor
    """and the share of the second there, float64."""
    within: Tensor
    """1 within the frame, else 0."""
    arc: Arc
    """Where that is on the circle."""

    @property
    def kept(self) -> slice:
        """Which of its pixels are kept."""
        return slice(self.written.start - self.arc.start, self.written.stop - self.arc.start)

    @property
    def written(self) -> slice:
        """Where in the photograph these go."""
        return self.arc.wanted


def extended_bands(
    step: PieceStep,
    source: Rows,
    psf: Psf,
    *,
    tile: int,
    margin: int,
    weight: Rows | None = None,
    report: Report | None = None,
) -> Iterator[Tensor]:
    """Restore a photograph in tiles of its extension, in bands of full width from top to bottom.

    Args:
        step: restores one piece.
        source: the photograph.
        psf: handed on.
        tile: largest side of what is kept of a piece, in pixels.
        margin: pixels around a tile, of the extended photograph.
        weight: 1 = trust, 0 = ignore.
        report: told the share of the whole work; may raise ``Cancelled``.

    Returns:
        Bands ``(B, C, n, W)`` of the photograph's number type; together as high as it.

    Raises:
        ConfigError: ``tile`` is not positive or ``margin`` is negative.
    """
    check_tile(tile, margin)
    size = (source.shape[-2], source.shape[-1])
    room = step.room(psf)
    (height, width), inside = domain(size, room)
    rows = spans(size[0], height, inside[0].start, tile, margin)
    columns = spans(size[1], width, inside[1].start, tile, margin)
    light: Rows = _Decoded(source, step) if weight is None else _Filled(_Decoded(source, step), weight, room)
    like, done, count = source.read(slice(0, 1)), 0, len(rows) * len(columns)
    for row in rows:
        # What is held of a photograph without a weight are stored numbers: they take less memory than light.
        given, decode = (source, step.decoded) if weight is None else (light, _same)
        near = picked(given, row.first)
        far = picked(given, row.second[row.mixed]) if len(row.mixed) else near[..., :0, :]
        trust = None if weight is None else picked(weight, row.first)
        band = like.new_empty(*like.shape[:2], row.written.stop - row.written.start, size[1])
        for column in columns:
            here, there = column.first, column.second[column.mixed]
            piece = _mixed(decode(near[..., here]), decode(far[..., here]), row, -2)
            if len(there):
                piece = _mixed(piece, _mixed(decode(near[..., there]), decode(far[..., there]), row, -2), column, -1)
            frame = torch.outer(row.within, column.within).to(piece)[None, None]
            restored = step.piece(
                piece,
                psf,
                weight=frame if trust is None else frame * trust[..., here].to(piece),
                place=(row.arc, column.arc),
                report=portion(report, done, count),
            )
            band[..., column.written] = step.as_stored(restored[..., row.kept, column.kept], like)
            done += 1
            if report:
                report(done / count)
            del piece, frame, restored  # no two tiles are held at once,
        del near, far, trust
        yield band
        del band  # nor two rows of them


def spans(length: int, full: int, start: int, tile: int, margin: int) -> list[Span]:
    """Tiles along an axis of the photograph, of about equal size.

    Args:
        length: of the photograph.
        full: of the extended photograph.
        start: where in it the photograph lies.
        tile: most pixels that are kept of each.
        margin: on each side; what would go round the whole circle is the circle, and once only.
    """
    count = math.ceil(length / tile)
    edges = [round(length * number / count) for number in range(count + 1)]
    found = []
    for first, last in pairwise(edges):
        circular = last - first + 2 * margin >= full
        begin, end = (-start, full - start) if circular else (first - margin, last + margin)
        positions = torch.arange(begin, end) % full
        first_of, second_of, share = sources(positions, length, full)
        mixed = torch.nonzero(share).flatten()
        found.append(
            Span(
                first=first_of,
                second=second_of,
                mixed=mixed,
                share=share[mixed],
                within=(positions < length).to(torch.float32),
                arc=Arc(start=begin, stop=end, length=length, full=full, wanted=slice(first, last)),
            )
        )
    return found


def picked(source: Rows, rows: Tensor) -> Tensor:
    """Rows of these numbers, one or more, in any order and any number of times, each read once."""
    needed, places = rows.unique(return_inverse=True)
    breaks = torch.nonzero(needed.diff() != 1).flatten() + 1
    parts = [source.read(slice(int(run[0]), int(run[-1]) + 1)) for run in torch.tensor_split(needed, breaks)]
    found = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-2)
    del parts
    if len(rows) == len(needed) and bool((places.diff() == 1).all()):
        return found
    return found.index_select(-2, places.to(found.device))


def _mixed(near: Tensor, far: Tensor, span: Span, dim: int) -> Tensor:
    """A piece of which some rows or columns pass into those of the opposite edge, ``far``."""
    if not len(span.mixed):
        return near
    part = near.index_select(dim, span.mixed)
    share = span.share.to(part)
    return near.index_copy(dim, span.mixed, part + (share[:, None] if dim == -2 else share) * (far - part))


def _same(light: Tensor) -> Tensor:
    return light


class _Decoded:
    """Stored rows as light."""

    def __init__(self, source: Rows, step: PieceStep) -> None:
        self.source, self.step = source, step

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.source.shape

    def read(self, rows: slice) -> Tensor:
        return self.step.decoded(self.source.read(rows))


class _Filled:
    """Rows of light whose ignored pixels are replaced by what is around them."""

    def __init__(self, light: Rows, weight: Rows, psf: Psf) -> None:
        self.light, self.weight, self.psf = light, weight, psf
        blocks = [slice(top, min(top + BLOCK, self.shape[2])) for top in range(0, self.shape[2], BLOCK)]
        self.usual = trusted_mean(
            (light.read(rows) for rows in blocks), (self._trust(rows, light.read(slice(0, 1))) for rows in blocks)
        )

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.light.shape

    def read(self, rows: slice) -> Tensor:
        around = slice(max(0, rows.start - max(self.psf.shape)), min(self.shape[2], rows.stop + max(self.psf.shape)))
        light = self.light.read(around)
        kept = slice(rows.start - around.start, rows.stop - around.start)
        return filled(light, self._trust(around, light), self.psf, usual=self.usual)[..., kept, :]

    def _trust(self, rows: slice, like: Tensor) -> Tensor:
        return self.weight.read(rows).to(like)
