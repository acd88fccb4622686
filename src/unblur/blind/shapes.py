"""Disks and straight lines by the spectrum of the blurred picture: the size whose zeros the picture shows."""

import math
from dataclasses import dataclass
from typing import Literal

from unblur.blind.doubt import refuse_empty, refuse_small
from unblur.blind.spectrum import Periodogram, misfits, periodogram
from unblur.errors import ImageError, PsfError
from unblur.psf.parametric import delta
from unblur.psf.parse import parse_psf
from unblur.tensors import Image, Report, Weight

Kind = Literal["disk", "motion"]

LEAST_GAIN = 0.01
"""By so much per frequency the best size must explain the spectrum better than no blur at all."""
_TILES_OVER_SIDE = 4
_ANGLES = 18
_STEP = 1.12
"""Factor from one size to the next of the first search."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What was found."""

    spec: str
    """As the grammar writes it, ``disk:5.3`` or ``motion:14,30``."""
    gain: float
    """How much better than no blur it explains the spectrum: log-likelihood per frequency, above 0."""


def estimated_shape(blurred: Image, side: int, *, kind: Kind, weight: Weight, report: Report | None = None) -> Shape:
    """Find the disk's radius, or the line's length and angle, that explains the power spectrum best.

    A coarse search over all sizes up to ``side``, then a finer one around its best.

    Args:
        blurred: ``(1, 1, H, W)`` in the light of the blur, white 1.
        side: of the largest PSF that is tried, in pixels, odd.
        kind: the family.
        weight: ``(1, 1, H, W)``: parts of the picture with pixels to ignore are left out.
        report: told the share of the work done; may raise ``Cancelled``.

    Raises:
        ImageError: the picture is too small, or nothing in it stands out of the noise.
        PsfError: the side is no odd number, or no size explains the spectrum better than no blur.
    """
    height, width = blurred.shape[-2:]
    refuse_small((height, width), side)
    refuse_empty(blurred, weight=weight)
    tile = min(256, max(64, 2 ** math.ceil(math.log2(_TILES_OVER_SIDE * side))), 2 * (min(height, width) // 2))
    found = periodogram(blurred, tile, weight=weight)
    if found is None:
        raise ImageError(f"no part of {tile} x {tile} pixels is free of clipped light; name a darker part")
    search = _Search(found, report)
    best = search.best([(size,) for size in _sizes(1.0, side / 2)] if kind == "disk" else _lines(side), kind)
    for finer in (0.05, 0.015):
        best = search.best(_around(best, finer, kind), kind)
    nothing = float(misfits(found, [delta()])[0])
    gain = nothing - search.lowest
    if gain < LEAST_GAIN:
        raise PsfError(
            f"no {kind} explains the picture's spectrum better than no blur ({gain:.3f} per frequency, expected "
            f"{LEAST_GAIN:g} at least); try another kind or measure a point or an edge"
        )
    return Shape(spec=_spec(best, kind), gain=gain)


class _Search:
    """Tries sizes and keeps the lowest misfit."""

    def __init__(self, found: Periodogram, report: Report | None) -> None:
        self.found, self.report, self.lowest, self.rounds = found, report, math.inf, 0

    def best(self, candidates: list[tuple[float, ...]], kind: Kind) -> tuple[float, ...]:
        values: list[float] = []
        for number, candidate in enumerate(candidates):
            values.append(float(misfits(self.found, [parse_psf(_spec(candidate, kind))])[0]))
            if self.report:
                self.report((self.rounds + (number + 1) / len(candidates)) / 3)
        self.rounds += 1
        self.lowest = min(values)
        return candidates[values.index(self.lowest)]


def _sizes(smallest: float, largest: float) -> list[float]:
    count = max(1, math.ceil(math.log(largest / smallest) / math.log(_STEP)))
    return [smallest * (largest / smallest) ** (number / count) for number in range(count + 1)]


def _lines(side: int) -> list[tuple[float, ...]]:
    angles = [180 * number / _ANGLES for number in range(_ANGLES)]
    return [(length, angle) for length in _sizes(2.0, side - 1.0) for angle in angles]


def _around(best: tuple[float, ...], finer: float, kind: Kind) -> list[tuple[float, ...]]:
    """Neighbours of the best so far, and it itself."""
    sizes = [best[0] * (1 + finer * step) for step in range(-2, 3)]
    if kind == "disk":
        return [(size,) for size in sizes]
    turn = 60 * finer
    return [(size, (best[1] + turn * step) % 180) for size in sizes for step in range(-2, 3)]


def _spec(numbers: tuple[float, ...], kind: Kind) -> str:
    return f"{kind}:" + ",".join(f"{number:.2f}" for number in numbers)
