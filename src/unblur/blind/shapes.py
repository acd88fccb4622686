"""Disks and straight lines from the blurred picture: by the zeros of its spectrum and by how natural results look."""

import math
from dataclasses import dataclass

import numpy as np

from unblur.blind.doubt import refuse_empty, refuse_small
from unblur.blind.natural import Judge, Restore
from unblur.blind.search import Kind, Numbers, Search
from unblur.blind.spectrum import misfits, periodogram
from unblur.errors import ImageError, PsfError
from unblur.psf.parametric import delta
from unblur.tensors import Image, Report, Weight

LEAST_GAIN = 0.01
"""By so much per frequency the best size must explain the spectrum better than no blur at all,"""
LEAST_WITH_RESULTS = 0.025
"""or by so much the picture, with the naturalness of the results added: sharp photographs under JPEG reached 0.019."""
NATURAL = 0.05
"""Weight of the unnaturalness against the misfit per frequency; chosen on half of the photographs for validation."""
CLOSE = 0.02
"""Sizes whose misfit is at most so much above the lowest are judged by their results; beyond, nothing could make up
for it."""
_TILES_OVER_SIDE = 4
_SIZES_JUDGED, _ANGLES_JUDGED = 5, 3
"""So many are judged around the best one."""
_SEARCH = 0.4
"""Share of the work in searching the spectrum, for the progress alone."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What was found."""

    spec: str
    """As the grammar writes it, ``disk:5.3`` or ``motion:14,30``."""
    gain: float
    """How much better than no blur it explains the picture, above 0: log-likelihood per frequency of the spectrum, and
    the weighted naturalness if that was judged."""
    naturalness: float | None
    """How much less unnatural the result is than the same without blur, above 0 if it is; None if not judged."""
    rival: str | None
    """Quite another size that does nearly as well, if there is one."""


def estimated_shape(
    blurred: Image,
    side: int,
    *,
    kind: Kind,
    weight: Weight,
    restore: Restore | None = None,
    report: Report | None = None,
) -> Shape:
    """Find the disk's radius, or the line's length and angle, that explains the picture best.

    A coarse search over all sizes up to ``side`` finds those that explain the power spectrum; the best few are made
    finer. Small sizes erase no frequency that can be seen, so that many explain the spectrum nearly alike: of these,
    and of rivals that are as good, the picture is restored, and the sum of the misfit and the weighted
    :func:`unblur.blind.natural.unnaturalness` of the result decides.

    Args:
        blurred: ``(1, 1, H, W)`` in the light of the blur, white 1.
        side: of the largest PSF that is tried, in pixels, odd.
        kind: the family.
        weight: ``(1, 1, H, W)``: parts of the picture with pixels to ignore are left out.
        restore: makes the results that are judged; None leaves the spectrum to decide alone.
        report: told the share of the work done; may raise ``Cancelled``.

    Raises:
        ImageError: the picture is too small, or nothing in it stands out of the noise.
        PsfError: the side is no odd number, or no size explains the picture better than no blur.
    """
    height, width = blurred.shape[-2:]
    refuse_small((height, width), side)
    refuse_empty(blurred, weight=weight)
    tile = min(256, max(64, 2 ** math.ceil(math.log2(_TILES_OVER_SIDE * side))), 2 * (min(height, width) // 2))
    found = periodogram(blurred, tile, weight=weight)
    if found is None:
        raise ImageError(f"no part of {tile} x {tile} pixels is free of clipped light; name a darker part")
    work = _Work(report, 1.0 if restore is None else _SEARCH)
    search = Search(found, kind, side, work.searched)
    minima = search.minima()
    nothing = float(misfits(found, [delta()])[0])
    values, naturalness = search.misfits(minima), None
    gain, least = nothing - values[0], LEAST_GAIN
    enough = gain >= least
    if restore is not None and gain > 0:
        judge = Judge(blurred, side, weight=weight, restore=restore, told=work.restored)
        minima, values = _judged(search, minima, judge)
        plain = judge("delta", delta())
        naturalness = plain - judge(search.spec(minima[0]), search.psf(minima[0]))
        gain, least = nothing + NATURAL * plain - values[0], LEAST_WITH_RESULTS
        enough = enough or gain >= least
    if not enough:
        raise PsfError(
            f"no {kind} explains the picture better than no blur ({gain:.3f} per frequency, expected "
            f"{least:g} at least); try another kind or measure a point or an edge"
        )
    work.over()
    rivals = [each for each, value in zip(minima[1:], values[1:], strict=True) if value - values[0] < LEAST_GAIN]
    return Shape(
        spec=search.spec(minima[0]),
        gain=gain,
        naturalness=naturalness,
        rival=search.spec(rivals[0]) if rivals else None,
    )


def _judged(search: Search, minima: list[Numbers], judge: Judge) -> tuple[list[Numbers], list[float]]:
    """The minima that are close to the best one, and what each is worth with its results; the best one made finer."""

    def worth(numbers: Numbers) -> float:
        return search.misfit(numbers) + NATURAL * judge(search.spec(numbers), search.psf(numbers))

    lowest = search.misfit(minima[0])
    best, *others = sorted((each for each in minima if search.misfit(each) <= lowest + CLOSE), key=worth)
    refined = _along(search, search.sizes_around(best), judge, _SIZES_JUDGED)
    if search.kind == "motion":
        refined = _along(search, search.angles_around(refined), judge, _ANGLES_JUDGED)
    kept = [refined, *(each for each in others if not search.alike(each, refined))]
    return kept, [worth(each) for each in kept]


def _along(search: Search, path: list[Numbers], judge: Judge, most: int) -> Numbers:
    """The best on a path of neighbours: a few results are judged, between them unnaturalness changes evenly."""
    misfit = np.array(search.misfits(path))
    close = np.flatnonzero(misfit <= misfit.min() + CLOSE)
    seen = np.unique(close[np.linspace(0, len(close) - 1, most).round().astype(int)])
    looks = [judge(search.spec(path[place]), search.psf(path[place])) for place in seen]
    worth = misfit[close] + NATURAL * np.interp(close, seen, looks)
    return path[int(close[int(worth.argmin())])]


class _Work:
    """How much is done, told as a share that only rises."""

    def __init__(self, report: Report | None, search: float) -> None:
        self.report, self.search, self.restorations = report, search, 0

    def searched(self, share: float) -> None:
        """So much of the search is done, 0 to 1."""
        if self.report:
            self.report(self.search * share)

    def restored(self) -> None:
        """One restoration more is done; there are rarely more than one expects."""
        self.restorations += 1
        if self.report:
            most = _SIZES_JUDGED + _ANGLES_JUDGED + 4  # the best of the search and of the paths, no blur
            self.report(self.search + (1 - self.search) * min(0.95, self.restorations / most))

    def over(self) -> None:
        """All of it."""
        if self.report:
            self.report(1.0)
