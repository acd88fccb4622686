"""Which of several PSFs explains a photograph best: what the restoration with it leaves over, and how natural it is."""

import torch

from unblur.boundary import extended, extended_weight
from unblur.differences import difference
from unblur.fourier import Blur
from unblur.psf.parametric import Number
from unblur.solvers.hyper_laplacian import HyperLaplacianSettings, hyper_laplacian
from unblur.tensors import Image, Psf, Weight

UNNATURAL = 2.0
"""Weight of the prior against the halved fidelity of ``hyper-laplacian``; chosen among starts on made shakes."""


def implausibility(blurred: Image, psf: Psf, *, weight: Weight, unnatural: Number = UNNATURAL) -> float:
    """``λ/2 mean |x ⊗ k - y|² + u mean |∇x|^α`` of the restoration x with a PSF k; lower is more plausible.

    A wrong PSF either leaves light unexplained or rings, and rings are many gradients of middling size. It compares
    PSFs of one photograph that are alike in their spread, and must not be used to choose the spread itself: the
    blurred picture is smoother than the sharp one, so no blur may win. Pixels within half a PSF of
    the border are not judged.

    Args:
        blurred: ``(1, 1, H, W)``, white 1, larger than the PSF.
        psf: odd sides, sum 1.
        weight: ``(1, 1, H, W)``, 1 = trust, 0 = ignore.
        unnatural: the u, 0 or more; more prefers smooth results.

    The objective of Krishnan and Fergus, Fast image deconvolution using hyper-Laplacian priors (2009), with means for
    sums. Why the spread is not told by it: Levin, Weiss, Durand and Freeman (2009).
    """
    settings = HyperLaplacianSettings()
    picture, frame, inside = extended(blurred, psf)
    trust = extended_weight(weight, frame, inside)
    sharp = hyper_laplacian(picture, psf, weight=trust, settings=settings)
    left = trust * (Blur(psf, (picture.shape[-2], picture.shape[-1]))(sharp) - picture).square()
    rim = max(psf.shape) // 2
    rows, columns = (slice(part.start + rim, part.stop - rim) for part in inside)
    judged = (..., rows, columns)
    steep = torch.cat([difference(sharp, dim)[judged].abs() for dim in (-1, -2)]).pow(settings.exponent)
    return float(settings.fidelity / 2 * left[judged].mean() + unnatural * steep.mean())
