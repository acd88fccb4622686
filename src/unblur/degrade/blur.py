"""The blur of a camera: the part of a convolution that needs no light from outside the frame."""

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.errors import PsfError
from unblur.fourier import fast_size
from unblur.tensors import Image


def valid_blur(image: Image, psf: Tensor) -> Float[Tensor, "b c h2 w2"]:
    """Convolve with a PSF and keep the valid part, where every pixel's light was seen.

    A real photograph has no circular border, so blurred pictures are made from larger sharp ones.

    Args:
        image: ``(B, C, H, W)``; any range, values above white are kept.
        psf: ``(kh, kw)``, or one for each picture ``(B, kh, kw)``; odd sides, origin in the middle. A larger PSF
            leaves a smaller frame.

    Returns:
        ``(B, C, H - kh + 1, W - kw + 1)``, not clipped. Its pixel (0, 0) lies on pixel ``(kh // 2, kw // 2)`` of
        ``image``. Values are exact to about 1e-7 of the brightest one, as it is computed by FFT.

    Raises:
        PsfError: the PSF is larger than the picture, has even sides, or there are not as many PSFs as pictures.
    """
    kh, kw = _sides(image, psf)
    height, width = image.shape[-2:]
    size = fast_size(height, width)
    otf = torch.fft.rfft2(psf.to(image), s=size)  # origin at the array's corner: light moves down and right only
    if otf.ndim == 3:
        otf = otf[:, None]
    blurred = torch.fft.irfft2(torch.fft.rfft2(image, s=size) * otf, s=size)
    # Circular wrapping reaches the first kh - 1 rows and kw - 1 columns, and zero padding what follows the picture.
    return blurred[..., kh - 1 : height, kw - 1 : width].contiguous()


def valid_frame(image: Image, psf: Tensor) -> Float[Tensor, "b c h2 w2"]:
    """Crop a sharp picture to the frame that :func:`valid_blur` leaves, pixel on pixel.

    Args:
        image: ``(B, C, H, W)``.
        psf: ``(kh, kw)`` or ``(B, kh, kw)``; only its size matters.

    Returns:
        A view of ``image``, ``(B, C, H - kh + 1, W - kw + 1)``.

    Raises:
        PsfError: as :func:`valid_blur`.
    """
    kh, kw = _sides(image, psf)
    height, width = image.shape[-2:]
    top, left = kh // 2, kw // 2
    return image[..., top : height - top, left : width - left]


def _sides(image: Image, psf: Tensor) -> tuple[int, int]:
    """Height and width of a PSF that fits the pictures."""
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
