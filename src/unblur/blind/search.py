"""Sizes of disks and lines, and how badly each explains the power spectrum of a blurred picture."""

import itertools
import math
from typing import Literal

from unblur.blind.spectrum import Periodogram, misfits
from unblur.psf.parse import parse_psf
from unblur.tensors import Psf, Report

Kind = Literal["disk", "motion"]
Numbers = tuple[float, ...]
"""Radius, or length and angle."""

_SMALLEST = {"disk": 1.0, "motion": 2.0}
_BELOW = 0.8
"""Factor by which a finer search may go under the smallest size of the first one."""
_STEP = 1.12
"""Factor from one size to the next of the first search."""
_ANGLES = 18
_FINER = (0.05, 0.015)
"""Steps of the searches around a local minimum, as shares of the size."""
_FOLLOWED = 4
"""So many local minima are made finer."""
_FINEST = 1.015
_REACH = 24
"""Steps of the finest search to either side: sizes from 0.7 to 1.43 times the best."""
_TURN = 10
"""Degrees to either side."""
_ALIKE, _ALIKE_ANGLES = 0.08, 6.0


class Search:
    """Tries sizes of one family, each once.

    Args:
        found: the spectrum of the picture.
        kind: the family.
        side: of the largest PSF in pixels.
        report: told the share of the search that is done.
    """

    def __init__(self, found: Periodogram, kind: Kind, side: int, report: Report | None = None) -> None:
        self.found, self.kind, self.report = found, kind, report
        self.smallest, self.largest = _SMALLEST[kind], side / 2 if kind == "disk" else side - 1.0
        self.known: dict[str, float] = {}

    def spec(self, numbers: Numbers) -> str:
        """As the grammar writes it."""
        return f"{self.kind}:" + ",".join(f"{number:.2f}" for number in numbers)

    def psf(self, numbers: Numbers) -> Psf:
        """The PSF of this size."""
        return parse_psf(self.spec(numbers))

    def misfits(self, tried: list[Numbers]) -> list[float]:
        """:func:`unblur.blind.spectrum.misfits` of these sizes."""
        specs = [self.spec(numbers) for numbers in tried]
        new = sorted({spec for spec in specs if spec not in self.known})
        if new:
            self.known |= dict(zip(new, misfits(self.found, [parse_psf(spec) for spec in new]).tolist(), strict=True))
        return [self.known[spec] for spec in specs]

    def misfit(self, numbers: Numbers) -> float:
        """The same of one size."""
        return self.misfits([numbers])[0]

    def minima(self) -> list[Numbers]:
        """The best few sizes that have no better neighbour, each made finer; the best one first."""
        ratio = self.largest / self.smallest
        count = max(1, math.ceil(math.log(ratio) / math.log(_STEP)))
        sizes = [self.smallest * ratio ** (step / count) for step in range(count + 1)]
        angles = [180 * step / _ANGLES for step in range(_ANGLES)] if self.kind == "motion" else [None]
        grid: dict[tuple[int, int], Numbers] = {}
        values: dict[tuple[int, int], float] = {}
        for row, size in enumerate(sizes):
            tried: list[Numbers] = [(size,) if angle is None else (size, angle) for angle in angles]
            for column, (numbers, value) in enumerate(zip(tried, self.misfits(tried), strict=True)):
                grid[row, column], values[row, column] = numbers, value
            self._told(0.7 * (row + 1) / len(sizes))
        lowest = sorted((place for place in grid if _is_lowest(place, values, len(angles))), key=values.__getitem__)
        kept: list[Numbers] = []
        for number, place in enumerate(lowest[:_FOLLOWED]):
            fine = grid[place]
            for finer in _FINER:
                around = self._around(fine, finer)
                values_around = self.misfits(around)
                fine = around[values_around.index(min(values_around))]
            if not any(self.alike(fine, other) for other in kept):
                kept.append(fine)
            self._told(0.7 + 0.3 * (number + 1) / min(len(lowest), _FOLLOWED))
        return sorted(kept, key=self.misfit)

    def alike(self, one: Numbers, other: Numbers) -> bool:
        """Whether two sizes are neighbours rather than different answers."""
        if abs(one[0] / other[0] - 1) > _ALIKE:
            return False
        turns = [abs(a - b) % 180 for a, b in zip(one[1:], other[1:], strict=True)]
        return all(min(turn, 180 - turn) <= _ALIKE_ANGLES for turn in turns)

    def sizes_around(self, best: Numbers) -> list[Numbers]:
        """Sizes in small steps around the best one, which is among them, at the same angle."""
        sizes = (best[0] * _FINEST**step for step in range(-_REACH, _REACH + 1))
        return [(size, *best[1:]) for size in sizes if self._allowed(size)]

    def angles_around(self, best: Numbers) -> list[Numbers]:
        """The line turned by some degrees in both directions; it itself is among them."""
        return [(best[0], (best[1] + turn) % 180) for turn in range(-_TURN, _TURN + 1)]

    def _around(self, best: Numbers, finer: float) -> list[Numbers]:
        """Neighbours of the best so far, and it itself."""
        sizes = [best[0], *(best[0] * (1 + finer * step) for step in (-2, -1, 1, 2))]
        sizes = [size for size in sizes if size == best[0] or self._allowed(size)]
        if self.kind == "disk":
            return [(size,) for size in sizes]
        return [(size, (best[1] + 60 * finer * step) % 180) for size in sizes for step in range(-2, 3)]

    def _allowed(self, size: float) -> bool:
        return _BELOW * self.smallest <= size <= self.largest

    def _told(self, share: float) -> None:
        if self.report:
            self.report(share)


def _is_lowest(place: tuple[int, int], values: dict[tuple[int, int], float], angles: int) -> bool:
    """Whether no neighbour on the grid is lower; angles go round."""
    row, column = place
    around = ((row + down, (column + right) % angles) for down, right in itertools.product((-1, 0, 1), repeat=2))
    return all(values[place] <= values[near] for near in around if near in values)
