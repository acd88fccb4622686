"""Noise of a sensor: additive Gaussian, and photon noise with Gaussian read-out noise."""

import torch
from torch import Tensor

from unblur.degrade.amount import Amount, per_picture
from unblur.tensors import Image


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
