"""Noise of a sensor: additive Gaussian, photon noise with Gaussian read-out noise, and the grain that scaling makes."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor

from unblur.degrade.amount import Amount, per_picture
from unblur.tensors import Image

GRAIN_REACH = 4
"""Pixels on either side of one that its noise spreads to; grains are at most half as wide."""


def gaussian(image: Image, noise: Amount, generator: torch.Generator) -> Image:
    """Add independent Gaussian noise to every value.

    Args:
        image: any range; 1 = white.
        noise: standard deviation on the [0, 1] scale, one number or one per picture; 0 adds none.
        generator: drawn from on its own device, so that one seed gives one picture wherever the picture lies.

    Returns:
        The noisy picture, not clipped.
    """
    drawn = torch.randn(image.shape, generator=generator, dtype=image.dtype, device=generator.device)
    return image + per_picture(noise, image) * drawn.to(image.device)


def poisson_gaussian(image: Image, noise: Amount, peak: Amount, generator: torch.Generator) -> Image:
    """Count electrons, then add the Gaussian noise of reading them out.

    At the value ``v`` the variance is ``v / peak + noise²``. After Foi et al. (2008), with an exact Poisson draw.

    Args:
        image: linear light, 1 = white; values below 0 count as 0.
        noise: standard deviation of the read-out on the [0, 1] scale, one number or one per picture.
        peak: electrons at white, one number or one per picture; more is less noisy, infinity is no photon noise.
        generator: as in :func:`gaussian`.

    Returns:
        The noisy picture, not clipped.
    """
    electrons = per_picture(peak, image)
    counting = torch.isfinite(electrons)
    electrons = torch.where(counting, electrons, 1.0)
    expected: Tensor = image.clamp_min(0) * electrons
    counts = torch.poisson(expected.to(generator.device), generator).to(image.device)
    return gaussian(torch.where(counting, counts / electrons, image), noise, generator)


def grained(noise: Image, grain: Amount) -> Image:
    """White noise as coarse grain: smoothed by a Gaussian, its standard deviation kept.

    Demosaicing, scaling and a camera's own denoising leave such noise, which holds less at high frequencies.

    Args:
        noise: independent values around 0.
        grain: standard deviation of the Gaussian in pixels, 0 to 2, one number or one per picture; 0 changes nothing.

    Returns:
        Noise of the same shape; circular at its rim, where else there would be less of it.
    """
    size = per_picture(grain, noise).expand(len(noise), 1, 1, 1)
    steps = torch.arange(-GRAIN_REACH, GRAIN_REACH + 1, dtype=noise.dtype, device=noise.device)
    kernels = torch.exp(-0.5 * (steps / size.flatten()[:, None].clamp_min(0.1)).square())
    kernels = kernels / kernels.square().sum(dim=1, keepdim=True).sqrt()  # the variance stays
    batch, planes, height, width = noise.shape
    around = F.pad(noise, (GRAIN_REACH,) * 4, mode="circular").transpose(0, 1)
    rows = F.conv2d(around, kernels[:, None, :, None], groups=batch)
    smooth = F.conv2d(rows, kernels[:, None, None, :], groups=batch).transpose(0, 1)
    return torch.where(size > 0, smooth.reshape(batch, planes, height, width), noise)
