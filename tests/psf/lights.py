"""Photographs of points and edges whose blur is known exactly."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor

from unblur.degrade.blur import valid_blur
from unblur.tensors import Image, Psf


def star(
    psf: Psf, *, peak: float | int = 0.6, side: int = 121, noise: float = 0.003, background: float = 0.05, seed: int = 0
) -> Image:
    """The PSF printed by a point in the middle of a dark, noisy picture, its brightest pixel ``peak`` above it."""
    kh, kw = psf.shape
    top, left = side // 2 - kh // 2, side // 2 - kw // 2
    print_ = F.pad(psf / psf.max() * peak, (left, side - left - kw, top, side - top - kh))
    grain = noise * torch.randn(side, side, generator=torch.Generator().manual_seed(seed))
    return (print_ + background + grain)[None, None].clamp(0, 1)


def edge(
    psf: Psf,
    angle: float,
    *,
    side: int = 64,
    low: float = 0.15,
    high: float = 0.7,
    noise: float = 0.004,
    bend: float = 0.0,
) -> Image:
    """A straight edge (or a parabola), each pixel the mean of 64 parts, blurred; ``angle`` as seen on the screen."""
    whole, parts = side + psf.shape[0] - 1, 8
    place = (torch.arange(whole * parts, dtype=torch.float64) + 0.5) / parts - whole / 2
    y, x = place[:, None], place[None, :]
    turn = math.radians(angle)
    along = x * math.cos(turn) - y * math.sin(turn)
    beyond = x * math.sin(turn) + y * math.cos(turn) + bend * along * along > 0.37
    fine = torch.where(beyond, high, low)[None, None]
    blurred = valid_blur(F.avg_pool2d(fine, parts), psf.double())
    return (blurred + noise * torch.randn(blurred.shape, generator=torch.Generator().manual_seed(3))).float()


def similarity(first: Psf, second: Psf) -> float:
    """Largest normalised correlation of two PSFs over all shifts, 1 = alike (Hu and Yang, ECCV 2012)."""
    size = tuple(a + b for a, b in zip(first.shape, second.shape, strict=True))
    spectra: Tensor = torch.fft.rfft2(first, s=size) * torch.fft.rfft2(second, s=size).conj()
    return float(torch.fft.irfft2(spectra, s=size).max() / (first.norm() * second.norm()))
