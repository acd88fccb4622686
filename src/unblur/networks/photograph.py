"""A photograph as it is stored, read row by row in the light of the blur, and as it lies in its circular domain."""

from collections.abc import Iterator
from itertools import pairwise, product

import torch
from torch import Tensor

from unblur.boundary import Inside, filled
from unblur.networks.light import WHITE_FROM, whiteness

ALL = slice(None)


class Photograph:
    """What is given, and how far it is trusted.

    Args:
        picture: ``(C, H, W)`` in the light of the blur, or integers.
        weight: ``(1|C, H, W)``, 1 = trust, 0 = ignore; None trusts all.
        table: the light of every integer in each plane, ``(C, n)``; None for light.
    """

    def __init__(self, picture: Tensor, weight: Tensor | None, table: Tensor | None) -> None:
        self.picture, self.weight, self.table = picture, weight, table
        self._certain = (picture if table is None else table).new_ones(())

    def light(self, number: int, rows: slice | Tensor = ALL) -> Tensor:
        """Rows of one plane, a range of them or those of these numbers."""
        stored = self.picture[number, rows]
        return stored if self.table is None else self.table[number][stored.to(torch.int32)]

    def trust(self, number: int, rows: slice = ALL) -> Tensor:
        """How far rows of one plane are trusted: of their shape, or one number for all."""
        return self._certain if self.weight is None else self.weight[number % len(self.weight), rows]

    def fill(self, psf: Tensor, room: Tensor) -> None:
        """Replace what is not trusted by what is around it; from then on the light of all lies in ``room``."""
        for number, plane in enumerate(room):
            plane[:] = filled(self.light(number)[None, None], self.trust(number)[None, None], psf)[0, 0]
        self.picture, self.table = room, None


class Surrounded:
    """A photograph in the middle of its circular domain.

    Args:
        photograph: filled already.
        inside: where in the domain it lies.
        region: what the U-Nets see of the domain, all of the photograph and more.
        extended: the domain, ``(C, H', W')``; what the U-Nets see around the photograph is copied from it.
    """

    def __init__(self, photograph: Photograph, inside: Inside, region: Inside, extended: Tensor) -> None:
        self.photograph, self.inside = photograph, inside
        self._boxes = list(_boxes(inside, region, extended))
        self._hidden = (max(0, region[0].start - inside[0].start), max(0, region[1].start - inside[1].start))

    def observed(self, number: int, rows: slice, blurred: Tensor) -> Tensor:
        """Rows of what would have been observed without clipping and beyond the frame, if the scene's blur were so."""
        observed = blurred.clone()
        mine, theirs = overlap(rows, self.inside[0])
        lit, near = self.photograph.light(number, theirs), blurred[mine, self.inside[1]]
        if bool((lit > WHITE_FROM).any()):  # most rows of most photographs are spared these passes
            lit = torch.lerp(lit, torch.maximum(lit, near), whiteness(lit))
        if self.photograph.weight is not None:
            lit = torch.lerp(near, lit, self.photograph.trust(number, theirs))
        observed[mine, self.inside[1]] = lit
        return observed

    def unsure(self, number: int, extended: Tensor, rows: slice) -> Tensor:
        """Where rows of a plane of the domain are clipped, ignored or beyond the photograph: 1, else 0."""
        share = 1 - whiteness(extended[rows])
        trusted = torch.zeros_like(share)
        mine, theirs = overlap(rows, self.inside[0])
        trusted[mine, self.inside[1]] = self.photograph.trust(number, theirs)
        return 1 - trusted * share

    def white(self, rows: slice, columns: slice, like: Tensor) -> Tensor:
        """Where the extended photograph is clipped, ``(C, h, w)`` on a part of the region, in the type of ``like``."""
        planes = len(self.photograph.picture)
        white = like.new_empty(planes, rows.stop - rows.start, columns.stop - columns.start)
        for box, (its_rows, its_columns) in self._boxes:
            (y, from_y), (x, from_x) = overlap(rows, its_rows), overlap(columns, its_columns)
            if box is None:
                above, left = self._hidden
                from_y = slice(from_y.start + above, from_y.stop + above)
                from_x = slice(from_x.start + left, from_x.stop + left)
            for number, plane in enumerate(white):
                seen = self.photograph.light(number, from_y)[:, from_x] if box is None else box[number, from_y, from_x]
                plane[y, x] = whiteness(seen)
        return white


def _boxes(inside: Inside, region: Inside, extended: Tensor) -> Iterator[tuple[Tensor | None, Inside]]:
    """The ring around the photograph in boxes of the region, and where the photograph itself lies (None)."""
    rows, columns = (
        [seen.start, max(seen.start, mine.start), min(seen.stop, mine.stop), seen.stop]
        for seen, mine in zip(region, inside, strict=True)
    )
    for (row, (top, bottom)), (column, (left, right)) in product(
        enumerate(pairwise(rows)), enumerate(pairwise(columns))
    ):
        box = None if row == column == 1 else extended[:, top:bottom, left:right].clone()
        yield box, (slice(top - rows[0], bottom - rows[0]), slice(left - columns[0], right - columns[0]))


def light_in(blurred: Tensor, table: Tensor | None) -> Tensor:
    """Integers ``(B, C, H, W)`` to the light that they stand for in a table ``(C, n)``; light stays as it is."""
    if table is None:
        return blurred
    return torch.stack([values[blurred[:, plane].to(torch.int32)] for plane, values in enumerate(table)], dim=1)


def overlap(of: slice, with_: slice) -> tuple[slice, slice]:
    """What two ranges have in common, counted from the start of either; empty ranges begin at their right places."""
    start = min(max(of.start, with_.start), of.stop)
    stop = max(start, min(of.stop, with_.stop))
    there = min(max(start, with_.start), with_.stop)
    return slice(start - of.start, stop - of.start), slice(there - with_.start, there - with_.start + stop - start)
