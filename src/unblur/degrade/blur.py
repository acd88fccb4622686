"""The blur of a camera: the part of a convolution that needs no light from outside the frame."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unblur.errors import PsfError
from unblur.fourier import fast_size
from unblur.psf.grid import PsfGrid
from unblur.tensors import Image

STRIP = 128
"""Rows of a scene that are blurred together where the PSF varies."""


def valid_blur(image: Image, psf: Tensor | PsfGrid) -> Float[Tensor, "b c h2 w2"]:
    """Convolve with a PSF and keep the valid part, where every pixel's light was seen.

    A real photograph has no circular border, so blurred pictures are made from larger sharp ones.

    Where the PSF varies, each point of light prints the PSF of its own place, ``Σ kᵢ ⊗ (wᵢ x)`` with the shares wᵢ of
    the grid's PSFs. Places are those of the frame that is left.

    Args:
        image: ``(B, C, H, W)``; any range, values above white are kept.
        psf: ``(kh, kw)``, or one for each picture ``(B, kh, kw)``; odd sides, origin in the middle. A larger PSF
            leaves a smaller frame. Or a grid of PSFs.

    Returns:
        ``(B, C, H - kh + 1, W - kw + 1)``, not clipped. Its pixel (0, 0) lies on pixel ``(kh // 2, kw // 2)`` of
        ``image``. Values are exact to about 1e-7 of the brightest one, as it is computed by FFT.

    Raises:
        PsfError: the PSF is larger than the picture, has even sides, or there are not as many PSFs as pictures.
    """
    kh, kw = _sides(image, psf)
    if isinstance(psf, PsfGrid):
        return _varying_blur(image, psf)
    height, width = image.shape[-2:]
    size = fast_size(height, width)
    otf = torch.fft.rfft2(psf.to(image), s=size)  # origin at the array's corner: light moves down and right only
    if otf.ndim == 3:
        otf = otf[:, None]
    blurred = torch.fft.irfft2(torch.fft.rfft2(image, s=size) * otf, s=size)
    # Circular wrapping reaches the first kh - 1 rows and kw - 1 columns, and zero padding what follows the picture.
    return blurred[..., kh - 1 : height, kw - 1 : width].contiguous()


def valid_frame(image: Image, psf: Tensor | PsfGrid) -> Float[Tensor, "b c h2 w2"]:
    """Crop a sharp picture to the frame that :func:`valid_blur` leaves, pixel on pixel.

    Args:
        image: ``(B, C, H, W)``.
        psf: ``(kh, kw)`` or ``(B, kh, kw)``, or a grid; only its size matters.

    Returns:
        A view of ``image``, ``(B, C, H - kh + 1, W - kw + 1)``.

    Raises:
        PsfError: as :func:`valid_blur`.
    """
    kh, kw = _sides(image, psf)
    height, width = image.shape[-2:]
    top, left = kh // 2, kw // 2
    return image[..., top : height - top, left : width - left]


def _varying_blur(image: Image, grid: PsfGrid) -> Tensor:
    """Strip by strip of the scene, each with the PSFs that there are in it."""
    (height, width), (kh, kw) = image.shape[-2:], grid.psfs.shape[-2:]
    placed = grid.on(height - kh + 1, width - kw + 1, corner=(-(kw // 2), -(kh // 2)))
    blurred = image.new_zeros(*image.shape[:2], height + kh - 1, width + kw - 1)
    for top in range(0, height, STRIP):
        strip = image[..., top : top + STRIP, :]
        rows = np.arange(top, top + strip.shape[-2], dtype=np.float64)
        y, x = np.meshgrid(rows, np.arange(width, dtype=np.float64), indexing="ij")
        shares = placed.shares(x.ravel(), y.ravel()).reshape(*y.shape, -1)
        for number in np.flatnonzero(shares.any(axis=(0, 1))):
            columns = np.flatnonzero(shares[..., number].any(axis=0))
            left, right = int(columns[0]), int(columns[-1]) + 1
            seen = strip[..., left:right] * torch.from_numpy(shares[:, left:right, number]).to(image)
            size = fast_size(seen.shape[-2] + kh - 1, seen.shape[-1] + kw - 1)
            otf = torch.fft.rfft2(grid.psfs[number].to(image), s=size)
            printed = torch.fft.irfft2(torch.fft.rfft2(seen, s=size) * otf, s=size)
            down, across = seen.shape[-2] + kh - 1, seen.shape[-1] + kw - 1
            blurred[..., top : top + down, left : left + across] += printed[..., :down, :across]
    return blurred[..., kh - 1 : height, kw - 1 : width].contiguous()


def _sides(image: Image, psf: Tensor | PsfGrid) -> tuple[int, int]:
    """Height and width of a PSF that fits the pictures."""
    psf = psf.mean if isinstance(psf, PsfGrid) else psf
    if psf.ndim not in (2, 3) or (psf.ndim == 3 and psf.shape[0] != image.shape[0]):
        raise PsfError(
            f"got a PSF of shape {tuple(psf.shape)} for {image.shape[0]} pictures, "
            f"expected (kh, kw) or ({image.shape[0]}, kh, kw)"
        )
    kh, kw = psf.shape[-2:]
    if kh % 2 == 0 or kw % 2 == 0:
        raise PsfError(f"the PSF has {kh} x {kw} pixels, expected odd sides; let it in through accept_psf")
    height, width = image.shape[-2:]
    if kh > height or kw > width:
        raise PsfError(
            f"the PSF has {kh} x {kw} pixels, expected at most the picture's {height} x {width}; "
            "crop the PSF or take a larger picture"
        )
    return kh, kw
