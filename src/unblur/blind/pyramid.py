"""From coarse to fine: the sizes at which a blind estimate is made, and what carries it from one to the next."""

import math
from dataclasses import dataclass

import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor

from unblur.blind.cleanup import centred
from unblur.tensors import Image, Psf

FACTOR = 1 / math.sqrt(2)
"""Of the sides from one level to the next coarser one."""
COARSEST = 3
"""Side of the PSF at the coarsest level, where it says hardly more than a direction."""


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
        found.append(Level(scale=scale, side=max(COARSEST, 2 * math.floor(side * scale / 2) + 1)))
    return found[::-1]


def smaller(image: Image, scale: float) -> Tensor:
    """A picture ``(B, C, H, W)`` at a level's scale, low-pass filtered so that nothing aliases."""
    if scale == 1:
        return image
    size = [max(1, round(length * scale)) for length in image.shape[-2:]]
    return F.interpolate(image, size=size, mode="bilinear", antialias=True, align_corners=False)


def larger(psf: Psf, side: int) -> Tensor:
    """The PSF of one level as the start of the next finer one: ``(side, side)``, centred, sum 1."""
    if psf.shape == (side, side):
        return psf
    grown = F.interpolate(psf[None, None], size=(side, side), mode="bilinear", align_corners=False)[0, 0].clamp_min(0)
    return centred(grown / grown.sum())
