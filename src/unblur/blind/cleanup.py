"""What makes a PSF of a least-squares solution: no negative light, no dust, no islands, a centre."""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from unblur.psf.accept import recentred
from unblur.psf.parametric import Number
from unblur.tensors import Psf

_TOUCHING = np.ones((3, 3), dtype=int)
"""Pixels hang together also over their corners: a thin oblique path does."""


def cleaned(values: Psf, *, threshold: Number, island: Number) -> Psf:
    """Set to 0 what is negative, faint or apart.

    The path of a camera hangs together, so a part that is apart and holds little light is noise; the brightest part
    always stays.

    Args:
        values: ``(kh, kw)`` of any sign, the highest above 0.
        threshold: share of the highest value under which a value counts as noise, 0 to 1; more is cleaner and loses
            more of faint traces.
        island: share of the light under which a part that hangs together with no other is dropped.

    Returns:
        The same shape, no negative value, sum 1.
    """
    kept = torch.where(values > threshold * values.max(), values, 0).clamp_min(0)
    light = kept.detach().cpu().numpy()
    labels, count = ndimage.label(light > 0, structure=_TOUCHING)
    held = np.asarray(ndimage.sum_labels(light, labels, np.arange(1, count + 1)))
    faint = 1 + np.flatnonzero((held < island * held.sum()) & (held < held.max()))
    kept = torch.where(torch.from_numpy(np.isin(labels, faint)).to(kept.device), 0, kept)
    return kept / kept.sum()


def centred(psf: Psf) -> Psf:
    """Move the centroid to within half a pixel of the array's middle; what this pushes over the rim is lost.

    A blind estimate needs that: the sharp picture moved one way and the PSF moved the other explain the photograph
    just as well.
    """
    moved = recentred(psf)
    top, left = (moved.shape[0] - psf.shape[0]) // 2, (moved.shape[1] - psf.shape[1]) // 2
    cut = moved[top : top + psf.shape[0], left : left + psf.shape[1]]
    return cut / cut.sum()


def spread(psf: Psf) -> float:
    """How far light strays: root mean square distance from the centroid, in pixels."""
    rows, columns = (torch.arange(side, dtype=psf.dtype, device=psf.device) for side in psf.shape)
    down, right = psf.sum(1), psf.sum(0)
    variance = sum(
        (share * (place - (share * place).sum()).square()).sum() for share, place in ((down, rows), (right, columns))
    )
    return float(torch.as_tensor(variance).sqrt())


def alike(first: Psf, second: Tensor) -> float:
    """Similarity of two PSFs of any sizes: their normalised correlation at the best shift, at most 1.

    After Hu and Yang, Good regions to deblur (2012).
    """
    size = (first.shape[0] + second.shape[0] - 1, first.shape[1] + second.shape[1] - 1)
    spectrum = torch.fft.rfft2(first, s=size) * torch.fft.rfft2(second, s=size).conj()
    return float(torch.fft.irfft2(spectrum, s=size).max() / (first.norm() * second.norm()))
