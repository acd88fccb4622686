"""The width of the blur from a straight edge in the photograph: a disk's radius or a Gaussian's sigma.

The edge-spread function is the light along the edge's normal. Pixels of all rows, projected on the normal of an edge
that is slanted, sample it much finer than the pixels lie (the slanted edge of ISO 12233). To the whole cloud of pixels
is fitted what an ideal edge would give after each blur.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.optimize import least_squares
from scipy.special import ndtr

from unblur.errors import PsfError
from unblur.tensors import Image

_PIXEL = math.sqrt(1 / 6)
"""Standard deviation in pixels of what is not blur: the pixel's own area, in the sharp picture and in the PSF."""
_SMALLEST = 8
"""Shortest side of a box in pixels."""
_CONTRAST = 12.0
"""Height of the edge in multiples of the noise, below which a box is called flat."""
_BEND = 0.5
"""Pixels by which an edge may leave a straight line; the fit would take more for blur."""
_MISFIT = 0.04
"""Share of the edge's height by which the better shape may miss its profile."""
_PIXELS = 20_000
"""Pixels that are fitted at most; larger boxes are thinned out."""
_NODES, _SHARES = np.polynomial.hermite_e.hermegauss(9)
_SHARES = _SHARES / _SHARES.sum()

Line = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One shape of blur, fitted to an edge."""

    family: str
    """``disk`` or ``gauss``."""
    width: float
    """Radius or standard deviation in pixels."""
    error: float
    """What the shape leaves unexplained of the edge's mean profile, as a share of the edge's height (rms)."""

    @property
    def spec(self) -> str:
        """As PSF grammar: ``disk:6.8``."""
        return f"{self.family}:{self.width:.2f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A measured edge."""

    best: Fit
    other: Fit
    """The other shape, for comparison."""
    angle: float
    """Direction of the edge, degrees counter-clockwise on the screen, 0 to 180; 0 is to the right."""
    height: float
    """Linear light on the bright side less that on the dark side."""


def measured_edge(light: Image, *, white: float = 0.98) -> Edge:
    """Fit a disk and a Gaussian to the only edge in a picture.

    Args:
        light: ``(1, C, H, W)`` linear light with 1 = white: a box that holds one straight edge, with even light on
            both sides of it for at least half the blur's width.
        white: from here on light counts as clipped.

    Raises:
        PsfError: the box is too small, flat, clipped, holds a bent edge or more than an edge, or ends before the edge's
            blur does.
    """
    plane = light[0].detach().cpu().double().numpy().mean(axis=0)
    height, width = plane.shape
    if min(height, width) < _SMALLEST:
        raise PsfError(
            f"the box has {width} x {height} pixels, expected at least {_SMALLEST} a side; draw a larger one"
        )
    clipped = float((light >= white).double().mean())
    if clipped > 0.005:
        raise PsfError(f"{100 * clipped:.0f} % of the box is clipped, its edge is cut; take an edge that is not white")
    low, high = np.quantile(plane, (0.02, 0.98))
    noise = _noise(plane)
    if high - low < _CONTRAST * noise:
        raise PsfError(
            f"the box is flat: its light differs by {high - low:.2g} and its noise is {noise:.2g}; put it on an edge"
        )
    direction = _direction(plane)
    upright = abs(direction[0]) >= abs(direction[1])
    rows = plane if upright else plane.T
    middle, slope, bend = _line(rows)
    if bend > _BEND:
        raise PsfError(f"the edge in the box is bent by {bend:.1f} px; take a straight one or a shorter piece of it")
    fits = sorted((_fitted(family, rows, middle, slope) for family in _SPREADS), key=lambda found: found[0].error)
    (best, light_step, slope, beyond), (other, *_) = fits
    if best.error > _MISFIT:
        raise PsfError(
            f"the box is no blurred edge: {best.spec} misses its profile by {100 * best.error:.0f} % of its height; "
            "draw a box that holds one edge between even sides"
        )
    if beyond < 1:
        raise PsfError(f"the box ends before the edge's blur does ({best.spec}); draw a larger one")
    angle = 90 + math.degrees(math.atan(slope)) if upright else -math.degrees(math.atan(slope))
    return Edge(best=best, other=other, angle=angle % 180, height=abs(light_step))


def _noise(plane: Line) -> float:
    """Robust, from mixed second differences, which do not see a straight slope."""
    mixed = plane[1:, 1:] - plane[1:, :-1] - plane[:-1, 1:] + plane[:-1, :-1]
    return max(float(np.median(np.abs(mixed))) / 0.6745 / 2, 1e-4)


def _direction(plane: Line) -> tuple[float, float]:
    """Mean direction (right, down) in which the light changes: the main axis of the structure tensor."""
    smooth = _blurred(plane)
    down, right = np.gradient(smooth)
    tensor = [[float((right * right).sum()), float((right * down).sum())]]
    tensor.append([tensor[0][1], float((down * down).sum())])
    axis = np.linalg.eigh(np.array(tensor))[1][:, 1]
    return float(axis[0]), float(axis[1])


def _blurred(plane: Line) -> Line:
    return np.asarray(ndimage.gaussian_filter(plane, 1.5, mode="nearest"), np.float64)


def _line(rows: Line) -> tuple[float, float, float]:
    """Where the edge crosses the middle row, its slope in columns per row, and its bend over the rows in pixels.

    Each row's place is where its light crosses half-way between the two sides, by its area, which noise hardly moves.
    """
    height, width = rows.shape
    y = np.arange(height) - (height - 1) / 2
    rim = max(2, width // 8)
    left, right = float(np.median(rows[:, :rim])), float(np.median(rows[:, -rim:]))
    if abs(right - left) < 1e-6:
        raise PsfError(
            "the light is the same on both sides of the box, it holds more than one edge; draw a smaller one"
        )
    places = ((right - rows) / (right - left)).sum(axis=1) - 0.5
    inside = (places > rim) & (places < width - 1 - rim)  # elsewhere the edge leaves the box sideways
    if inside.sum() < _SMALLEST:
        raise PsfError("no edge crosses the box from side to side with room beside it; draw a box around the edge")
    y, places = y[inside], places[inside]
    line, bent = np.polyfit(y, places, 1), np.polyfit(y, places, 2)
    spread = float(np.std(places - np.polyval(bent, y))) / math.sqrt(len(y))
    bend = abs(float(bent[0])) * (float(np.ptp(y)) / 2) ** 2
    return float(line[1]), float(line[0]), max(0.0, bend - 4 * spread)


def _disk_spread(across: Line, radius: float) -> Line:
    """Share of a disk, softened by the pixels, that lies on the far side of a line: 0 to 1."""
    share = np.zeros_like(across)
    for node, weight in zip(_NODES, _SHARES, strict=True):
        u = ((across + _PIXEL * node) / radius).clip(-1, 1)
        share += weight * (0.5 + (u * np.sqrt(1 - u * u) + np.arcsin(u)) / math.pi)
    return share


def _gauss_spread(across: Line, sigma: float) -> Line:
    """The same of a Gaussian."""
    return np.asarray(ndtr(across / math.hypot(sigma, _PIXEL)), np.float64)


_SPREADS: dict[str, tuple[Callable[[Line, float], Line], float]] = {
    "disk": (_disk_spread, 1.1),
    "gauss": (_gauss_spread, 2.2),
}
"""Edge-spread function of each shape, and how far from the edge, in widths, it must have been seen."""


def _fitted(family: str, rows: Line, middle: float, slope: float) -> tuple[Fit, float, float, float]:
    """The best width of a shape, the edge's height, its refined slope, and how far the box reaches, 1 = far enough."""
    spread, reach = _SPREADS[family]
    step = max(1, math.ceil(math.sqrt(rows.size / _PIXELS)))
    y, x = (axis[::step, ::step].ravel().astype(np.float64) for axis in np.indices(rows.shape))
    values = rows[::step, ::step].ravel()
    y -= (rows.shape[0] - 1) / 2

    def across(p: Line) -> Line:
        return np.asarray((x - p[2] - p[3] * y) / math.hypot(1, p[3]), np.float64)

    def rest(p: Line) -> Line:
        return np.asarray(p[0] + p[1] * spread(across(p), math.exp(p[4])) - values, np.float64)

    rim = max(2, rows.shape[1] // 8)
    low, high = float(np.median(rows[:, :rim])), float(np.median(rows[:, -rim:]))
    found = []
    for guess in (0.8, rows.shape[1] / 12, rows.shape[1] / 5):
        start = np.array([low, high - low, middle, slope, math.log(guess)])
        bounds = ([-1, -3, -rows.shape[1], -1.5, math.log(0.05)], [3, 3, 2 * rows.shape[1], 1.5, math.log(500)])
        found.append(least_squares(rest, start, bounds=bounds, x_scale=[0.1, 0.1, 1, 0.02, 0.1]))
    p = min(found, key=lambda result: result.cost).x
    distance, width = across(p), math.exp(p[4])
    near = np.abs(distance) < 2 * reach * width + 2
    error = _mean_error(distance[near], rest(p)[near]) / max(abs(float(p[1])), 1e-9)
    seen = min(-float(np.quantile(distance, 0.02)), float(np.quantile(distance, 0.98)))
    return Fit(family=family, width=width, error=error), float(p[1]), float(p[3]), seen / (reach * width)


def _mean_error(distance: Line, rest: Line) -> float:
    """Root mean square of what is left after averaging along the edge, in strips of half a pixel."""
    strip = np.floor(2 * (distance - distance.min())).astype(int)
    counts = np.bincount(strip)
    means = np.bincount(strip, rest) / np.maximum(counts, 1)
    return math.sqrt(float((counts * means**2).sum() / counts.sum()))
