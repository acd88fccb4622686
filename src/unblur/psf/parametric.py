"""PSFs with a formula: out-of-focus disks and polygons, Gaussians, straight motion.

All are integrated over the areas of the pixels, so that sizes and angles are continuous: a disk of radius 7.01
differs a little from one of radius 7. They are computed in float64, centred, divided by their sum, and stand in the
smallest odd array that holds them. Angles are in degrees, counter-clockwise as seen on the screen, where rows grow
downwards.
"""

import math

import numpy as np
import torch
from torch import Tensor

from unblur.errors import PsfError
from unblur.tensors import Psf

Number = float | int
"""Whole sizes may be written as such: runtime type checks do not count an int among the floats."""
LARGEST = 2000.0
"""Largest radius or length in pixels; beyond it somebody mistook the unit."""
WIDEST_SIGMA = LARGEST / 4
TAIL = 4.0
"""Gaussians are cut off at so many standard deviations, which loses 3e-4 of the light of a round one."""
_NARROWEST_SIGMA = 0.02  # below it a Gaussian is a single pixel, and the quadrature would miss it


def delta() -> Psf:
    """The PSF that changes nothing: one pixel."""
    return torch.ones(1, 1)


def disk(radius: Number) -> Psf:
    """Out-of-focus blur of a round aperture: each pixel holds the exact area that the disk covers in it.

    Args:
        radius: in pixels, above 0; larger blurs more. Up to 0.5 the disk lies in one pixel.

    Raises:
        PsfError: the radius is not finite, not above 0, or above 2000.
    """
    _check_size("the radius of a disk", radius, LARGEST)
    half = _half(radius)
    edges = _edges(half)
    corner = _quadrant_area(edges.abs()[:, None], edges.abs()[None, :], radius)
    corner = corner * edges.sign()[:, None] * edges.sign()[None, :]
    return _finished(_cells(corner))


def gauss(sigma: Number, sigma2: Number | None = None, angle: Number = 0.0) -> Psf:
    """A Gaussian, round or oblique, integrated over the pixels' areas and cut off at 4 standard deviations.

    Args:
        sigma: standard deviation in pixels along ``angle``; larger blurs more.
        sigma2: standard deviation across it; the same when None.
        angle: direction of ``sigma``, in degrees counter-clockwise on the screen; 0 is to the right.

    Raises:
        PsfError: a standard deviation is not finite, not above 0, or above 500; the angle is not finite.
    """
    sigma2 = sigma if sigma2 is None else sigma2
    for value in (sigma, sigma2):
        _check_size("the standard deviation of a Gaussian", value, WIDEST_SIGMA)
    along, across = max(sigma, _NARROWEST_SIGMA), max(sigma2, _NARROWEST_SIGMA)
    dx, dy = _direction(angle)
    variance_x = (along * dx) ** 2 + (across * dy) ** 2
    variance_y = (along * dy) ** 2 + (across * dx) ** 2
    covariance = (along**2 - across**2) * dx * dy
    half_x, half_y = _half(TAIL * math.sqrt(variance_x)), _half(TAIL * math.sqrt(variance_y))
    # Given x, y is normal too: its integral is a difference of error functions, and only x needs a quadrature.
    slope, spread = covariance / variance_x, along * across / math.sqrt(variance_x)
    count = min(32, max(4, math.ceil(4 / min(along, across))))
    nodes, weights = np.polynomial.legendre.leggauss(count)
    columns = torch.arange(-half_x, half_x + 1, dtype=torch.float64)
    edges = _edges(half_y)
    psf = torch.zeros(2 * half_y + 1, 2 * half_x + 1, dtype=torch.float64)
    for node, weight in zip(nodes, weights, strict=True):
        x = columns + float(node) / 2
        below = torch.special.ndtr((edges[:, None] - slope * x[None, :]) / spread)
        psf += float(weight) * torch.exp(-x.square() / (2 * variance_x)) * below.diff(dim=0)
    return _finished(psf)


def motion(length: Number, angle: Number) -> Psf:
    """Steady straight motion: a bar of this length, one pixel wide, by the area that it covers in each pixel.

    Args:
        length: in pixels, above 0; larger blurs more. Length 1 at 0 degrees is one pixel.
        angle: direction, in degrees counter-clockwise on the screen; 0 is to the right, 90 upwards.

    Raises:
        PsfError: the length is not finite, not above 0, or above 2000; the angle is not finite.
    """
    _check_size("the length of a motion", length, LARGEST)
    dx, dy = _direction(angle)
    along = torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=torch.float64) * length / 2
    across = torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64) / 2
    return _finished(_polygon_area(along * dx - across * dy, along * dy + across * dx))


def polygon(sides: int, radius: Number, angle: Number = 0.0) -> Psf:
    """Out-of-focus blur of an aperture with straight blades: the exact area of a regular polygon in each pixel.

    Args:
        sides: number of blades, 3 to 64.
        radius: distance of the corners from the centre in pixels, above 0; larger blurs more.
        angle: direction of the first corner, in degrees counter-clockwise on the screen; 0 is to the right.

    Raises:
        PsfError: fewer than 3 or more than 64 sides; the radius is not finite, not above 0, or above 2000; the angle
            is not finite.
    """
    if not 3 <= sides <= 64:
        raise PsfError(f"a polygon of {sides} sides was asked for, expected 3 to 64; take a disk for more")
    _check_size("the radius of a polygon", radius, LARGEST)
    dx, dy = _direction(angle)
    turn = torch.arange(sides, dtype=torch.float64) * (2 * math.pi / sides)
    x, y = radius * turn.cos(), -radius * turn.sin()
    return _finished(_polygon_area(x * dx - y * dy, x * dy + y * dx))


def _check_size(what: str, value: Number, largest: float) -> None:
    if not (math.isfinite(value) and 0 < value <= largest):
        raise PsfError(f"{what} is {value:g}, expected a number of pixels above 0 and up to {largest:g}")


def _direction(angle: Number) -> tuple[float, float]:
    """Unit vector (to the right, downwards), without the rounding error that would smear 90 degrees."""
    if not math.isfinite(angle):
        raise PsfError(f"the angle is {angle:g}, expected a finite number of degrees")
    radians = math.radians(angle % 360)
    return round(math.cos(radians), 15), -round(math.sin(radians), 15)


def _half(reach: Number) -> int:
    """Pixels on each side of the central one that something reaching so far from the centre touches."""
    return max(0, math.ceil(reach - 0.5 - 1e-9))


def _edges(half: int) -> Tensor:
    """Coordinates of the borders between pixels, ``2 half + 2`` of them."""
    return torch.arange(2 * half + 2, dtype=torch.float64) - half - 0.5


def _cells(corner: Tensor) -> Tensor:
    """Areas of the pixels from the areas towards the corners between them."""
    return corner.diff(dim=0).diff(dim=1)


def _finished(psf: Tensor) -> Psf:
    psf = psf.clamp_min(0)
    psf = torch.where(psf < 1e-12 * psf.max(), 0, psf)  # what cancellation left behind
    return (psf / psf.sum()).to(torch.float32)


def _quadrant_area(x: Tensor, y: Tensor, radius: Number) -> Tensor:
    """Area of the disk about the origin inside the rectangle from the origin to (x, y), both not negative."""
    x, y = torch.broadcast_tensors(x.clamp_max(radius), y.clamp_max(radius))
    reach = (radius**2 - y.square()).clamp_min(0).sqrt()  # up to here the circle lies above y
    reach = torch.minimum(reach, x)
    return y * reach + _under_circle(x, radius) - _under_circle(reach, radius)


def _under_circle(x: Tensor, radius: Number) -> Tensor:
    """Integral of ``sqrt(radius² - t²)`` from 0 to x."""
    height = (radius**2 - x.square()).clamp_min(0).sqrt()
    return (x * height + radius**2 * torch.asin((x / radius).clamp_max(1))) / 2


def _polygon_area(x: Tensor, y: Tensor) -> Tensor:
    """Area of a polygon, given by its corners, in each pixel.

    The part of the polygon left of X and above Y is a sum over its edges of ``± ∫ min(edge(x), Y) dx``: each integral
    is a piecewise quadratic, and the pixels are second differences of the sum.
    """
    columns, rows = _edges(_half(float(x.abs().max()))), _edges(_half(float(y.abs().max())))
    corner = torch.zeros(len(rows), len(columns), dtype=torch.float64)
    for x0, y0, x1, y1 in zip(x.tolist(), y.tolist(), x.roll(-1).tolist(), y.roll(-1).tolist(), strict=True):
        if abs(x1 - x0) < 1e-12:
            continue
        ends = columns.clamp(min(x0, x1), max(x0, x1))
        start = min(x0, x1)
        slope = (y1 - y0) / (x1 - x0)
        gap0 = (rows - (y0 + slope * (start - x0)))[:, None]
        gap1 = rows[:, None] - (y0 + slope * (ends - x0))[None, :]
        width = (ends - start)[None, :]
        above0, above1 = gap0.clamp_min(0), gap1.clamp_min(0)
        mixed = torch.maximum(above0, above1).square() / (2 * (gap0 - gap1).abs().clamp_min(1e-300))
        excess = torch.where(gap0 * gap1 >= 0, (above0 + above1) / 2, mixed) * width
        corner += math.copysign(1.0, x1 - x0) * (rows[:, None] * width - excess)
    area = _cells(corner)
    return area if float(area.sum()) > 0 else -area
