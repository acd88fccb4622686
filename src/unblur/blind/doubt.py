"""When there is nothing to estimate: a picture that is too small, or holds nothing to tell a PSF by."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from jaxtyping import Float
from torch import Tensor

from unblur.errors import ImageError, PsfError
from unblur.networks.light import FLOOR, TYPICAL, measured_levels
from unblur.tensors import Image, Weight

ROOM = 4
"""So many times the PSF's side the picture must measure: below it, too little of it is blurred from within."""
_POOL = 4
"""Pixels a side that are taken together before structure is looked for, so that noise is a quarter."""
_STANDS_OUT = 5.0
"""So many times the noise a place must differ from its surroundings to count as structure."""
_FAINTEST = 0.002
"""Of white; what differs by less counts as even, whatever the noise."""
_STRUCTURE = 0.02
"""Share of the places that must be structure."""
_RUN = 7
"""Pixels in a row over which an edge is looked at."""
_SPAN = 0.15
_EDGES = 100
_SHARP = 0.5


def refuse_small(size: tuple[int, int], side: int) -> None:
    """Refuse a picture of ``size`` (height, width) that is too small for a PSF of ``side`` pixels.

    Raises:
        PsfError: the side is even or below 3.
        ImageError: the picture is too small.
    """
    if side < 3 or side % 2 == 0:
        nearest = max(3, side // 2 * 2 + 1)
        raise PsfError(f"the size of the PSF is {side}, expected an odd number of pixels from 3; take {nearest}")
    if min(size) < ROOM * side:
        raise ImageError(
            f"{size[1]} x {size[0]} pixels are too few for a PSF of {side}, expected {ROOM * side} on each side at "
            "least; take a larger part or a smaller size"
        )


def refuse_empty(plane: Image, *, weight: Weight) -> None:
    """Refuse a picture in which next to nothing stands out of the noise: sky, fog, a cover, noise itself.

    Means of 4 x 4 pixels are compared with those around them; slopes cancel. The noise is told by the diagonal Haar
    coefficients, which blur leaves empty.

    Args:
        plane: ``(1, 1, H, W)``, white 1.
        weight: ``(1, 1, H, W)``, pixels under 0.5 are left out.

    Raises:
        ImageError: there is nothing to estimate from.
    """
    share = structure(plane, weight=weight)
    if share < _STRUCTURE:
        raise ImageError(
            f"only {100 * share:.1f} % of the picture stands out of its noise, expected {100 * _STRUCTURE:g} % at "
            "least: there is nothing to tell the blur by; name a part with edges"
        )


def is_sharp(plane: Image) -> bool:
    """Whether edges in all directions are as steep as only a sharp picture has them.

    In every row, column and diagonal of 7 pixels that spans 0.15 or more, the largest step between neighbours is
    taken as a share of the span. The median of that in the direction where it is lowest was 0.59 to 0.78 on sharp
    photographs and at most 0.43 on the same under disks of 1.5 px, shakes of 7 and 13 px and lines of 7 px. A soft
    photograph, or one without strong edges, does not count as sharp.

    Args:
        plane: ``(1, 1, H, W)``, white 1.
    """
    return all(_steepness(plane[0, 0], direction) > _SHARP for direction in ((0, 1), (1, 0), (1, 1), (1, -1)))


def _steepness(plane: Float[Tensor, "h w"], direction: tuple[int, int]) -> float:
    """The median share of the largest step along (down, right); 0 where there are too few edges to tell."""
    down, right = direction
    height, width = plane.shape
    inner = (slice(0, height - _RUN), slice(_RUN, width - _RUN))
    run = torch.stack([plane.roll((-down * step, -right * step), dims=(0, 1))[inner] for step in range(_RUN)])
    span, largest = run.amax(dim=0) - run.amin(dim=0), run.diff(dim=0).abs().amax(dim=0)
    edge = span > _SPAN
    return float((largest / span)[edge].median()) if int(edge.sum()) >= _EDGES else 0.0


def structure(plane: Image, *, weight: Weight) -> float:
    """Share of the picture, in parts of 4 x 4 pixels, that stands out of the noise, 0 to 1."""
    known = (weight > 0.5).to(plane)
    means = F.avg_pool2d(plane, _POOL)
    trusted = F.avg_pool2d(known, _POOL) == 1
    around = F.avg_pool2d(F.pad(means, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    inner = (..., slice(1, -1), slice(1, -1))  # a slope does not cancel against a repeated rim
    differs, trusted = (means - around)[inner].abs(), trusted[inner]
    noise = TYPICAL * math.exp(float(measured_levels(plane, weight=weight)[0, 0])) - FLOOR
    least = max(_FAINTEST, _STANDS_OUT * noise / _POOL)
    counted = max(1, trusted.numel())
    return float(((differs > least) & trusted).sum()) / counted
