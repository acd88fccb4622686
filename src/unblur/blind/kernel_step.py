"""The PSF of a blind estimate: least squares between the gradients of the sharp and of the blurred picture."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor

from unblur.differences import difference
from unblur.psf.parametric import Number
from unblur.solvers.irls import conjugate_gradients
from unblur.tensors import Image, Psf, Weight

STEPS = 12
"""Of conjugate gradients; the start is the last estimate, and more changes little."""


def psf_between(
    sharp: Image, blurred: Image, *, weight: Weight, ridge: Number, smoothness: Number = 0.0, start: Psf
) -> Psf:
    """Minimise ``Σ w |∂x ⊗ k - ∂y|² + γ |k|² + δ |∇k|²`` over k, the sum going over both first differences.

    Gradients in place of values, for there the errors of neighbouring pixels are nearly independent, and the even
    areas, of which the sharp estimate knows nothing, say nothing. The sign of k is left free; see
    :func:`unblur.blind.cleanup.cleaned`.

    Args:
        sharp: ``(1, 1, H, W)``, circular.
        blurred: the same shape.
        weight: ``(1, 1, H, W)``: a difference counts where both of its pixels do.
        ridge: the γ, above 0; more is calmer and wider.
        smoothness: the δ, 0 or more; more takes the speckle out that noise leaves, and thickens fine traces. Beyond
            its rim the PSF is 0.
        start: square with an odd side, which the answer has too.

    Returns:
        The solution, neither cleaned nor centred.

    After Cho and Lee, Fast motion deblurring (2009), section 4, with weights.
    """
    trusted = [weight * weight.roll(-1, dim) for dim in (-1, -2)]
    normal = _Normal([difference(sharp, dim) for dim in (-1, -2)], trusted, start.shape[0])
    seen = normal.correlated([w * difference(blurred, dim) for w, dim in zip(trusted, (-1, -2), strict=True)])
    found = conjugate_gradients(
        lambda psf: normal(psf[0, 0])[None, None] + ridge * psf + smoothness * _bent(psf),
        seen[None, None],
        start=start[None, None],
        steps=STEPS,
        precondition=lambda residual: residual,
    )
    return found[0, 0]


def _bent(psf: Tensor) -> Tensor:
    """Half the slope of ``|∇k|²``: four times each value less its four neighbours, 0 beyond the rim."""
    wide = F.pad(psf, (1, 1, 1, 1))
    around = wide[..., :-2, 1:-1] + wide[..., 2:, 1:-1] + wide[..., 1:-1, :-2] + wide[..., 1:-1, 2:]
    return 4 * psf - around


class _Normal:
    """``Σ Xᵀ W X`` of pictures X, on PSFs of one side."""

    def __init__(self, pictures: list[Tensor], weights: list[Tensor], side: int) -> None:
        self.spectra = [torch.fft.rfft2(picture) for picture in pictures]
        self.weights, self.side = weights, side
        self.size = (pictures[0].shape[-2], pictures[0].shape[-1])

    def __call__(self, psf: Tensor) -> Tensor:
        half = self.side // 2
        laid = psf.new_zeros(self.size)
        laid[: self.side, : self.side] = psf
        response = torch.fft.rfft2(laid.roll((-half, -half), dims=(0, 1)))
        blurred = [torch.fft.irfft2(spectrum * response, s=self.size) for spectrum in self.spectra]
        return self.correlated([w * each for w, each in zip(self.weights, blurred, strict=True)])

    def correlated(self, blurred: list[Tensor]) -> Tensor:
        """``Σ Xᵀ`` of one picture for each X: what of it falls on the PSF's pixels, ``(side, side)``."""
        pairs = zip(self.spectra, blurred, strict=True)
        spectrum = torch.stack([each.conj() * torch.fft.rfft2(picture) for each, picture in pairs]).sum(0)
        half = self.side // 2
        values = torch.fft.irfft2(spectrum, s=self.size).roll((half, half), dims=(-2, -1))
        return values[0, 0, : self.side, : self.side]
