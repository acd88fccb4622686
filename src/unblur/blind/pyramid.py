"""From coarse to fine: the sizes at which a blind estimate is made, and what carries it from one to the next."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor

from unblur.blind.cleanup import centred
from unblur.psf.parametric import Number
from unblur.tensors import Image, Psf

FACTOR = 1 / math.sqrt(2)
"""Of the sides from one level to the next coarser one."""
COARSEST = 3
"""Side of the PSF at the coarsest level, where it says hardly more than a direction."""
SLACK = 0.25
"""Pixels on either side by which the PSF of a level may be cut, as the next odd side would be too large by far more."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """One size of the picture and of its PSF."""

    scale: float
    """Of the picture's sides, 1 at the finest level."""
    side: int
    """Of the PSF, odd."""


def levels(side: int) -> list[Level]:
    """The levels for a PSF of ``side`` pixels, the coarsest first and the whole size last.

    Args:
        side: odd, 3 or more.
    """
    found = [Level(scale=1.0, side=side)]
    while found[-1].side > COARSEST:
        scale = found[-1].scale * FACTOR
        found.append(Level(scale=scale, side=max(COARSEST, 2 * math.ceil((side * scale - 1) / 2 - SLACK) + 1)))
    return found[::-1]


def smaller(image: Image, scale: float) -> Tensor:
    """A picture ``(B, C, H, W)`` at a level's scale, low-pass filtered so that nothing aliases."""
    if scale == 1:
        return image
    size = [max(1, round(length * scale)) for length in image.shape[-2:]]
    return F.interpolate(image, size=size, mode="bilinear", antialias=True, align_corners=False)


def larger(psf: Psf, side: int, factor: Number) -> Tensor:
    """The PSF of one level as the start of the next finer one: ``(side, side)``, centred, sum 1.

    Args:
        psf: square with an odd side.
        side: of the answer, odd; what does not fit in is lost, where there is room it is 0.
        factor: of the picture's sides between the two levels, 1 or more. The ratio of the PSFs' sides, which are odd
            numbers, differs from it by up to a third, and would make the PSF wrong by that at every level.
    """
    if psf.shape == (side, side) and factor == 1:
        return psf
    places = (torch.arange(side, dtype=psf.dtype, device=psf.device) - side // 2) / factor / (psf.shape[0] // 2)
    grid = torch.stack(torch.meshgrid(places, places, indexing="ij")[::-1], dim=-1)[None]
    grown = F.grid_sample(psf[None, None], grid, mode="bilinear", align_corners=True)[0, 0].clamp_min(0)
    return centred(grown / grown.sum())
