"""Scenes with many edges, blurred exactly."""

import torch

from unblur.degrade.blur import valid_blur
from unblur.tensors import Image, Psf


def leaves(height: int, width: int, *, seed: int = 1, count: int = 250) -> Image:
    """Disks of all sizes and greys that fall on each other: edges in every direction, even areas between them."""
    generator = torch.Generator().manual_seed(seed)
    picture = torch.full((height, width), 0.5)
    y, x = torch.arange(height)[:, None], torch.arange(width)[None, :]
    for _ in range(count):
        top, left, size, grey = torch.rand(4, generator=generator).tolist()
        radius = 3 + 25 * size**3
        picture[(y - top * height) ** 2 + (x - left * width) ** 2 < radius**2] = 0.05 + 0.85 * grey
    return picture[None, None]


def taken(psf: Psf, height: int, width: int, *, noise: float = 0.003, seed: int = 1, gain: float = 1.0) -> Image:
    """The scene through a PSF, ``(1, 1, height, width)``, clipped at white."""
    rows, columns = psf.shape
    sharp = gain * leaves(height + rows - 1, width + columns - 1, seed=seed)
    blurred = valid_blur(sharp, psf)
    generator = torch.Generator().manual_seed(7)
    return (blurred + noise * torch.randn(blurred.shape, generator=generator)).clamp(0, 1)
