"""A PSF that somebody drew: the path of a light, traced by hand."""

import math
from collections.abc import Sequence

import torch

from unblur.errors import PsfError
from unblur.psf.parametric import LARGEST, TAIL, Number
from unblur.tensors import Psf

_STEP = 0.25
"""Pixels between the points that stand for a line."""


def drawn(points: Sequence[tuple[Number, Number]], *, width: Number = 1.0) -> Psf:
    """A line of even brightness along a path, centred on its centroid.

    Each pixel of path gives the same light, however fast it was drawn. The line's profile is a Gaussian.

    Args:
        points: x to the right and y downwards in pixels, from any origin; straight lines join them. One point is a
            spot.
        width: full width of the line at half its height, in pixels, 0.5 to 50; larger blurs more.

    Returns:
        The smallest odd array that holds the line, float32, sum 1.

    Raises:
        PsfError: no point, a number that is not finite, a width out of range, or a path longer than 4000 pixels
            or wider than 2000.
    """
    if not points:
        raise PsfError("the drawing is empty, expected a path of one point or more; draw a line")
    if not (math.isfinite(width) and 0.5 <= width <= 50):
        raise PsfError(f"the line is {width:g} px wide, expected 0.5 to 50")
    corners = torch.tensor(points, dtype=torch.float64)
    if not bool(torch.isfinite(corners).all()):
        raise PsfError("the drawing has a point that is not finite; draw it again")
    if float((corners.amax(0) - corners.amin(0)).max()) > LARGEST:
        raise PsfError(f"the drawing is wider than {LARGEST:g} px; draw it smaller")
    lengths = corners.diff(dim=0).norm(dim=1)
    if float(lengths.sum()) > 2 * LARGEST:
        raise PsfError(f"the drawn path is {float(lengths.sum()):.0f} px long, expected at most {2 * LARGEST:g}")
    path = _evenly(corners, lengths)
    path = path - path.mean(dim=0)
    # Each point of the path is a small Gaussian: x and y are separable, and the products add up to the line.
    sigma = width / 2.3548  # from full width at half height to standard deviation
    half = math.ceil(float(path.abs().max()) + TAIL * sigma)
    edges = torch.arange(2 * half + 2, dtype=torch.float64) - half - 0.5
    profile_x, profile_y = (
        torch.special.ndtr((edges[:, None] - path[None, :, side]) / sigma).diff(dim=0) for side in (0, 1)
    )
    psf = profile_y @ profile_x.T
    psf = torch.where(psf < 1e-4 * psf.max(), 0, psf)
    return _trimmed(psf / psf.sum())


def _evenly(corners: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Points ``(n, 2)`` at even steps along the path, each for the same share of it."""
    total = float(lengths.sum())
    if total == 0:
        return corners[:1]
    count = max(1, math.ceil(total / _STEP))
    wanted = (torch.arange(count, dtype=torch.float64) + 0.5) * (total / count)
    ends = lengths.cumsum(0)
    piece = torch.searchsorted(ends, wanted).clamp_max(len(lengths) - 1)
    share = ((wanted - (ends[piece] - lengths[piece])) / lengths[piece].clamp_min(1e-12)).clamp(0, 1)
    return corners[piece] + share[:, None] * (corners[piece + 1] - corners[piece])


def _trimmed(psf: torch.Tensor) -> Psf:
    """Without rows and columns of zeros, as many on either side."""
    half = len(psf) // 2
    rows, columns = torch.nonzero(psf, as_tuple=True)
    reach_y, reach_x = int((rows - half).abs().max()), int((columns - half).abs().max())
    kept = psf[half - reach_y : half + reach_y + 1, half - reach_x : half + reach_x + 1]
    return (kept / kept.sum()).to(torch.float32)
