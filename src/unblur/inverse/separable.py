"""An inverse kernel as a sum of few separable ones (paper, section 5.1, Eq. 3)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.errors import ConfigError
from unblur.tensors import Image


@dataclass(frozen=True, kw_only=True)
class SeparableKernel:
    """``Σ_j strengths[j] · columns[:, j] rows[:, j]ᵀ``, the strongest first."""

    columns: Float[Tensor, "support rank"]
    strengths: Float[Tensor, " rank"]
    rows: Float[Tensor, "support rank"]

    @property
    def kernel(self) -> Float[Tensor, "support support"]:
        """The two-dimensional kernel ``(support, support)`` that the terms sum to."""
        return (self.columns * self.strengths) @ self.rows.T

    def apply(self, image: Image) -> Tensor:
        """Convolve every plane with the kernel, valid part: each side shrinks by ``support - 1``.

        Two passes of one-dimensional convolutions; cost ``2 · support · rank`` multiply-adds per pixel.
        """
        b, c, h, w = image.shape
        planes = image.reshape(b * c, 1, h, w)
        # conv2d correlates, so the kernels are flipped to convolve.
        down = self.columns.T.flip(1)[:, None, :, None].to(image)
        across = (self.rows * self.strengths).T.flip(1)[None, :, None, :].to(image)
        mixed = torch.conv2d(torch.conv2d(planes, down), across)
        return mixed.reshape(b, c, *mixed.shape[-2:])


def separable(
    kernel: Float[Tensor, "support support"], *, rank: int | None = None, threshold: float | None = None
) -> SeparableKernel:
    """Split a kernel by singular value decomposition.

    Args:
        kernel: ``(support, support)``, square.
        rank: keep so many terms; more follow the kernel more closely.
        threshold: keep the terms whose singular value exceeds this (the paper ignores those under 0.01). With
            neither rank nor threshold all terms are kept; with both, the stricter of the two decides.

    Returns:
        The terms, strongest first, in the kernel's dtype; the signs are fixed so that equal kernels split equally.

    Raises:
        ConfigError: rank below 1 or above the support.
    """
    support = kernel.shape[0]
    if rank is not None and not 1 <= rank <= support:
        raise ConfigError(f"rank is {rank}, expected 1 to the kernel's support of {support}")
    u, s, vt = torch.linalg.svd(kernel.to(torch.float64))
    keep = support if rank is None else rank
    if threshold is not None:
        keep = min(keep, max(1, int((s > threshold).sum())))
    u, s, v = u[:, :keep], s[:keep], vt[:keep].T
    # A singular pair is defined up to its sign: the largest entry of each column is made positive.
    peak = u.gather(0, u.abs().argmax(dim=0, keepdim=True)).sign()
    u, v = u * peak, v * peak
    return SeparableKernel(columns=u.to(kernel.dtype), strengths=s.to(kernel.dtype), rows=v.to(kernel.dtype))
