"""What the U-Nets see of a photograph's domain, and what they judge in each step: whole cells along either axis.

Of a piece of a photograph they judge only what counts for the pixels that are wanted: in the last step these alone,
in each step before as much more around them as the steps after it look at. Further away the inverses and the sparse
estimates are mixed as they are beyond the photograph.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from unblur.boundary import Arc, Inside
from unblur.networks.facts import RING, region_around
from unblur.networks.unet import STRIDE

Ranges = tuple[slice, ...]


@dataclass(frozen=True, kw_only=True)
class Sight:
    """Ranges of the domain along one axis, which rise."""

    seen: Ranges
    """Each photograph with its ring, as far as it counts; around each the U-Nets see zeros."""
    judged: tuple[Ranges, ...]
    """Parts of these that get a better estimate, for each step; those within one range lie a U-Net's reach apart."""
    origin: int
    """A photograph's first pixel, from which cells are counted; it may lie outside."""

    @property
    def region(self) -> slice:
        """All that is seen, and what lies between."""
        return slice(self.seen[0].start, self.seen[-1].stop)

    def pieces(self, step: int, largest: int) -> list[tuple[slice, slice]]:
        """What is judged, in about equal pieces of about ``largest`` pixels at most, each with what is seen around it.

        Counted from the region's first pixel.
        """
        first = self.region.start
        return [
            (slice(piece.start - first, piece.stop - first), slice(around.start - first, around.stop - first))
            for part in self.judged[step]
            for around in self.seen
            if around.start <= part.start and part.stop <= around.stop
            for piece in cut(part, largest)
        ]

    def left(self, step: int, full: int) -> list[slice]:
        """What is not judged of a domain of ``full`` pixels."""
        edges = [0, *(edge for part in self.judged[step] for edge in (part.start, part.stop)), full]
        return [slice(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def sights(
    place: tuple[Arc, Arc] | None, inside: Inside, size: tuple[int, int], reaches: Sequence[int], psf: tuple[int, ...]
) -> tuple[Sight, Sight]:
    """Along height and width.

    Args:
        place: of a piece of an extended photograph; None for a photograph as a whole.
        inside: where the piece or the photograph lies in its domain.
        size: of the domain.
        reaches: of each step's U-Net, in pixels.
        psf: height and width of the PSF.
    """
    if place is None:
        regions, steps = region_around(inside), len(reaches)
        rows, columns = (
            Sight(seen=(region,), judged=((region,),) * steps, origin=part.start)
            for region, part in zip(regions, inside, strict=True)
        )
    else:
        rows, columns = (_of_piece(*axis, reaches) for axis in zip(place, inside, size, psf, strict=True))
    return rows, columns


def _of_piece(arc: Arc, inside: slice, full: int, side: int, reaches: Sequence[int]) -> Sight:
    """Along one axis."""
    origin = inside.start - arc.start
    start, stop = origin + arc.wanted.start, origin + arc.wanted.stop
    turns = (-full, 0, full) if arc.circular else (0,)

    def near(distance: int) -> Callable[[int], bool]:
        return lambda cell: (
            cell + STRIDE > inside.start
            and cell < inside.stop
            and any(cell + STRIDE > start + turn - distance and cell < stop + turn + distance for turn in turns)
        )

    def ranges(distance: int) -> Ranges:
        """Cells that are up to so far from what is wanted, of all photographs on the circle."""
        found: list[slice] = []
        for turn in range(arc.start // arc.full, arc.stop // arc.full + 1):
            first = origin + turn * arc.full - RING
            found += _runs(range(first, first + arc.length + 2 * RING, STRIDE), near(distance), max(reaches))
        return tuple(found)

    # A step looks around as far as its U-Net does, and its inverses farther, but to little effect.
    later = [sum(reach + side for reach in reaches[number + 1 :]) for number in range(len(reaches))]
    return Sight(
        seen=ranges(later[0] + max(reaches)), judged=tuple(ranges(distance) for distance in later), origin=origin
    )


def _runs(cells: range, chosen: Callable[[int], bool], apart: int) -> list[slice]:
    """The chosen cells as ranges; those between which less than ``apart`` pixels lie become one."""
    runs: list[slice] = []
    for cell in filter(chosen, cells):
        if runs and cell - runs[-1].stop < apart:
            runs[-1] = slice(runs[-1].start, cell + STRIDE)
        else:
            runs.append(slice(cell, cell + STRIDE))
    return runs


def cut(part: slice, largest: int) -> list[slice]:
    """A range of whole cells in about equal pieces, all of whole cells, of about ``largest`` pixels at most."""
    length = part.stop - part.start
    count = -(-length // largest)
    edges = [part.start + length * number // count // STRIDE * STRIDE for number in range(count)] + [part.stop]
    return [slice(start, stop) for start, stop in pairwise(edges)]
