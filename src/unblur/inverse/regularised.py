"""Inverse kernels: the regularised pseudo-inverse of a PSF as a spatial kernel (paper, section 4.1)."""

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.errors import ConfigError, PsfError
from unblur.fourier import fast_size, otf
from unblur.tensors import Psf


def pseudo_inverse(psf: Psf, noise_to_signal: float, support: int) -> Float[Tensor, "support support"]:
    """The kernel that, convolved with a blurred picture, undoes the blur as a Wiener filter does.

    ``k† = F⁻¹(conj(F(k)) / (|F(k)|² + r))``, computed on a domain several times its support, cropped to
    ``support × support`` about its origin, and corrected by a constant so that it sums to 1. Without the correction
    the crop would change the level of flat areas: at r = 1e-4 the crop of a disk of radius 7 sums to -2.

    Args:
        psf: odd sides, sums to 1.
        noise_to_signal: r, above 0. Larger gives a calmer and more compact kernel.
        support: side L of the kernel in pixels, odd.

    Returns:
        ``(support, support)``, in the PSF's dtype and device; computed in float64. It may be negative.

    Raises:
        ConfigError: r is not above 0, or the support is even or below 1.

    After Xu et al. (2014), section 4.1 ("SNR = 1E-4" there is this r).
    """
    if not noise_to_signal > 0:
        raise ConfigError(f"noise_to_signal is {noise_to_signal}, expected a number above 0")
    if support < 1 or support % 2 == 0:
        raise ConfigError(f"the inverse kernel's support is {support}, expected an odd number of pixels")
    if psf.ndim != 2:
        raise PsfError(f"got a PSF of shape {tuple(psf.shape)}, expected two dimensions")
    side = max(512, 4 * support, 4 * max(psf.shape))
    size = fast_size(side, side)
    response = otf(psf.to(torch.float64), size)
    kernel = torch.fft.irfft2(response.conj() / (response.abs().square() + noise_to_signal), s=size)
    half = support // 2
    kernel = kernel.roll((half, half), dims=(0, 1))[:support, :support]
    kernel = kernel + (1 - kernel.sum()) / support**2
    return kernel.to(psf.dtype)
