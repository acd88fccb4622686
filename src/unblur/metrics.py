"""How good a restoration is: the project's only definitions of PSNR and SSIM.

Both compare values as they are stored, on the [0, 1] scale: the restored picture is clipped to [0, 1] first, as any
file would, and the data range is 1. A border is left out on request, half a PSF for restorations, because light from
beyond the frame decides there. The answer is one number per picture; sets are averaged over pictures, in decibels.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from jaxtyping import Float
from torch import Tensor

from unblur.errors import ImageError
from unblur.tensors import Image, Psf

Crop = int | tuple[int, int]
"""Pixels left out at every side, or (at top and bottom, at left and right)."""

WINDOW_SIGMA = 1.5
WINDOW_RADIUS = 5
"""Wang et al. (2004): a Gaussian window of 11 x 11 pixels with a standard deviation of 1.5 pixels."""

STABLE_LUMINANCE = 0.01**2
STABLE_CONTRAST = 0.03**2
"""Wang et al. (2004): (K1 L)² and (K2 L)² for a data range L of 1."""


def psf_crop(psf: Psf) -> tuple[int, int]:
    """Half a PSF: the border in which a blurred photograph holds light from beyond its frame."""
    return psf.shape[0] // 2, psf.shape[1] // 2


def psnr(restored: Image, sharp: Float[Tensor, "b2 c2 h2 w2"], *, crop: Crop = 0) -> Float[Tensor, " b"]:
    """Peak signal-to-noise ratio, ``-10 log10(mean (restored - sharp)²)``.

    Args:
        restored: clipped to [0, 1] first.
        sharp: the truth, of the same shape; clipped likewise.
        crop: pixels left out at every side; more leaves out more of the border.

    Returns:
        Decibels, one number per picture; infinite where both are equal. The squared error of a colour picture is
        averaged over its channels.

    Raises:
        ImageError: shapes differ, or the crop leaves no pixel.
    """
    restored, sharp = _compared(restored, sharp, crop)
    return _decibels((restored - sharp).square().mean(dim=(1, 2, 3)))


def gain_fitted_psnr(restored: Image, sharp: Float[Tensor, "b2 c2 h2 w2"], *, crop: Crop = 0) -> Float[Tensor, " b"]:
    """PSNR after the exposure that fits best: for sets whose blurred and sharp pictures differ in brightness.

    The restored picture is multiplied by the gain that brings it nearest to the sharp one in least squares, then
    clipped to [0, 1]. To be given beside :func:`psnr`, never in its place.

    Args:
        restored: clipped to [0, 1] first.
        sharp: the truth, of the same shape.
        crop: pixels left out at every side; also for the fit.

    Returns:
        Decibels, one number per picture.

    Raises:
        ImageError: shapes differ, or the crop leaves no pixel.
    """
    restored, sharp = _compared(restored, sharp, crop)
    power = restored.square().sum(dim=(1, 2, 3), keepdim=True)
    gain = (restored * sharp).sum(dim=(1, 2, 3), keepdim=True) / power.clamp_min(torch.finfo(power.dtype).tiny)
    return _decibels(((gain * restored).clamp(0, 1) - sharp).square().mean(dim=(1, 2, 3)))


def ssim(restored: Image, sharp: Float[Tensor, "b2 c2 h2 w2"], *, crop: Crop = 0) -> Float[Tensor, " b"]:
    """Structural similarity (Wang et al. 2004): Gaussian window, population covariance, windows inside the picture.

    Args:
        restored: clipped to [0, 1] first.
        sharp: the truth, of the same shape; clipped likewise.
        crop: pixels left out at every side, before the windows are laid.

    Returns:
        One number per picture, at most 1; the mean over windows and channels.

    Raises:
        ImageError: shapes differ, or less than 11 x 11 pixels are left.
    """
    x, y = _compared(restored, sharp, crop)
    window = 2 * WINDOW_RADIUS + 1
    if min(x.shape[-2:]) < window:
        height, width = x.shape[-2:]
        raise ImageError(f"{height} x {width} pixels are left, SSIM needs {window} x {window}; crop less")
    mean_x, mean_y = _windowed(x), _windowed(y)
    variance_x = _windowed(x * x) - mean_x.square()
    variance_y = _windowed(y * y) - mean_y.square()
    covariance = _windowed(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + STABLE_LUMINANCE) / (mean_x.square() + mean_y.square() + STABLE_LUMINANCE)
    structure = (2 * covariance + STABLE_CONTRAST) / (variance_x + variance_y + STABLE_CONTRAST)
    return (luminance * structure).mean(dim=(1, 2, 3))


def _compared(restored: Tensor, sharp: Tensor, crop: Crop) -> tuple[Tensor, Tensor]:
    """Both pictures clipped to [0, 1], without their border."""
    if restored.shape != sharp.shape:
        raise ImageError(
            f"the restored picture is {tuple(restored.shape)}, the sharp one {tuple(sharp.shape)}; "
            "expected equal shapes; cut both to the same frame"
        )
    rows, columns = (crop, crop) if isinstance(crop, int) else crop
    height, width = restored.shape[-2:]
    if min(rows, columns) < 0 or 2 * rows >= height or 2 * columns >= width:
        raise ImageError(
            f"a border of {rows} rows and {columns} columns leaves nothing of {height} x {width} pixels; crop less"
        )
    inside = (..., slice(rows, height - rows), slice(columns, width - columns))
    return restored[inside].clamp(0, 1), sharp[inside].clamp(0, 1).to(restored)


def _decibels(error: Tensor) -> Tensor:
    return -10 * torch.log10(error)


def _windowed(image: Tensor) -> Tensor:
    """Mean under the Gaussian window at every place where the window lies inside the picture."""
    offsets = torch.arange(-WINDOW_RADIUS, WINDOW_RADIUS + 1, dtype=image.dtype, device=image.device)
    weights = torch.exp(-offsets.square() / (2 * WINDOW_SIGMA**2))
    weights = weights / weights.sum()
    b, c, h, w = image.shape
    planes = image.reshape(b * c, 1, h, w)
    smooth = F.conv2d(F.conv2d(planes, weights.reshape(1, 1, -1, 1)), weights.reshape(1, 1, 1, -1))
    return smooth.reshape(b, c, *smooth.shape[-2:])
