"""Whether a PSF cut out of a photograph is the print of two lights instead of one."""

import math

import numpy as np
from scipy import ndimage

_RATIOS = (0.4, 0.55, 0.75, 1.0)
"""Second light over first; a fainter one cannot be told from the PSF's own shape."""
_LARGEST = 36
"""Pixels a side at which the search is made; a larger light is shrunk."""
_NEAREST, _NEAREST_SHARE = 3.0, 0.25
"""Distances of two lights, in pixels and as a share of their print's side, below which they pass as one."""
_CLEAN = 0.27
"""Measured on noisy prints: 1 of 70 random PSFs falls below, and 23 of 36 pairs that lie half to one diameter apart:
most disks and polygons, about half of the Gaussians, few camera shakes."""
_SMOOTH = 0.7
"""Standard deviation in pixels that makes the search blind to fractions of a pixel."""
_THIN = 0.25
"""Width over length of a stroke; every stroke is two strokes of half its length, so that strokes are not searched."""

Plane = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def echo(values: Plane) -> tuple[float, float] | None:
    """How far two lights whose prints overlap lie apart; None for one light, as far as can be told.

    Two lights print ``p = k + r k(· - d)``. Divided by that pair, ``p / (1 + r z^d) = Σ (-r)^n p(· - n d)``, the print
    becomes k, without negative light; a single PSF leaves plenty of it for every r and d. Measured is the share of
    negative light, relative to what a print that does not reach its own shifted copy would leave.

    Args:
        values: the light's box, not negative, 0 outside the light.

    Returns:
        The shift (down, right) in pixels.
    """
    shrink = min(1.0, _LARGEST / max(values.shape))
    values = ndimage.gaussian_filter(np.pad(values, 2), _SMOOTH / shrink)
    if shrink < 1:
        values = ndimage.zoom(values, shrink, order=1).clip(0)
    if _thinness(values) < _THIN:
        return None
    height, width = values.shape
    nearest = max(_NEAREST, _NEAREST_SHARE * max(height, width))
    print_ = np.pad(values, ((height, height), (width, width)))
    best, shift = _CLEAN, None
    for dy in range(height):
        for dx in range(-width + 1, width):
            if (dy == 0 and dx < 0) or math.hypot(dy, dx) < nearest:
                continue
            for sign in (1, -1):
                terms = _shifted(print_, sign * dy, sign * dx)
                for ratio in _RATIOS:
                    left = sum(((-ratio) ** n * term for n, term in enumerate(terms)), np.zeros(()))
                    share = float(-left.clip(max=0).sum() / np.abs(left).sum()) * (1 + ratio) / ratio
                    if share < best:
                        best, shift = share, (dy / shrink, dx / shrink)
    return shift


def _shifted(plane: Plane, dy: int, dx: int) -> list[Plane]:
    """The plane and its copies moved by 1, 2, … times the shift, as long as anything of the plane is left."""
    height, width = plane.shape
    copies, moved = [plane], plane
    for n in range(1, max(height, width)):
        y, x = n * dy, n * dx
        if abs(y) >= height or abs(x) >= width:
            break
        moved = np.zeros_like(plane)
        source = plane[max(-y, 0) : height - max(y, 0), max(-x, 0) : width - max(x, 0)]
        moved[max(y, 0) : height - max(-y, 0), max(x, 0) : width - max(-x, 0)] = source
        copies.append(moved)
    return copies


def _thinness(values: Plane) -> float:
    """Smaller over larger principal spread of the light."""
    rows, columns = (axis - float((values * axis).sum() / values.sum()) for axis in np.indices(values.shape))
    yy, xx, xy = (float((values * product).sum()) for product in (rows * rows, columns * columns, rows * columns))
    low, high = np.linalg.eigvalsh([[yy, xy], [xy, xx]])
    return math.sqrt(max(low, 0.0) / high) if high > 0 else 1.0
