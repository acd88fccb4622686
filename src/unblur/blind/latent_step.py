"""The sharp picture of a blind estimate: few gradients, all of them steep."""

import torch
from torch import Tensor

from unblur.differences import difference, difference_adjoint
from unblur.fourier import Blur, gradient_power
from unblur.psf.parametric import Number
from unblur.tensors import Image, Psf, Weight

FIRST_COUPLING = 2.0
"""Of β, in units of the sparsity."""
LAST_COUPLING = 1e3
GROWTH = 2.8
"""Factor of β from round to round; smaller is slower and changes little."""


def sharpened(blurred: Image, psf: Psf, *, weight: Weight, clipped: Weight, sparsity: Number) -> Image:
    """Minimise ``|x ⊗ k - y|² + λ |∇x|₀`` by half-quadratic splitting: only edges that matter to the blur survive.

    The number of gradients is what counts, not their size. So the picture is made of even areas with sharp borders;
    it is no restoration, but from its borders the PSF can be told. The gradients get a copy w, tied by
    ``β |∇x - w|²``: for rising β, w is ∇x where ``|∇x|² > λ/β`` and 0 elsewhere, and x follows in closed form.
    Pixels that are not trusted are replaced by the estimate's own blur before each round; where light was clipped the
    replacement is at least as bright as the photograph.

    Args:
        blurred: ``(B, C, H, W)``, circular.
        psf: odd sides, sum 1.
        weight: 1 = trust, 0 = replaced.
        clipped: 1 where light was clipped (and ``weight`` is 0), else 0.
        sparsity: the λ, above 0; more leaves fewer edges.

    Returns:
        The estimate, not clipped.

    After Xu, Lu, Xu and Jia, Image smoothing via L0 gradient minimization (2011), and Pan, Hu, Su and Yang, Deblurring
    text images via L0-regularized intensity and gradient prior (2014), here without its prior on intensities.
    """
    blur = Blur(psf, (blurred.shape[-2], blurred.shape[-1]))
    power, pull = blur.otf.abs().square(), gradient_power(blur.size, blurred)
    x, spectrum = blurred, torch.fft.rfft2(blurred)
    coupling = FIRST_COUPLING * sparsity
    while coupling < LAST_COUPLING:
        guide = _kept_gradients(x, sparsity / coupling)
        guess = torch.fft.irfft2(blur.otf * spectrum, s=blur.size)
        guess = torch.where(clipped > 0, torch.maximum(guess, blurred), guess)
        filled = torch.lerp(guess, blurred, weight.expand_as(blurred))
        wanted = blur.otf.conj() * torch.fft.rfft2(filled) + coupling * torch.fft.rfft2(guide)
        spectrum = wanted / (power + coupling * pull)
        x = torch.fft.irfft2(spectrum, s=blur.size)
        coupling *= GROWTH
    return x


def _kept_gradients(x: Image, least: Number) -> Tensor:
    """The transposed gradient of those gradients whose squared length exceeds ``least``."""
    dx, dy = difference(x, -1), difference(x, -2)
    keep = dx.square() + dy.square() > least
    return difference_adjoint(dx * keep, -1) + difference_adjoint(dy * keep, -2)
