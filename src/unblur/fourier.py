"""Circular convolution with a PSF, and the frequencies of gradient filters."""

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from unblur.errors import PsfError
from unblur.tensors import Image, Psf


def fast_size(height: int, width: int) -> tuple[int, int]:
    """Smallest sides at or above the given ones that an FFT handles quickly; a size of prime factors costs 3-4 times.

    The width is also kept even, so that a real FFT of it can be inverted without further knowledge.
    """
    width = int(next_fast_len(width, real=True))
    while width % 2:
        width = int(next_fast_len(width + 1, real=True))
    return int(next_fast_len(height, real=True)), width


def otf(psf: Psf, size: tuple[int, int]) -> Tensor:
    """Optical transfer function: the real FFT of the PSF with its origin moved to pixel (0, 0).

    Args:
        psf: ``(kh, kw)``, odd sides; its origin is the centre of the array.
        size: height and width of the circular domain, in pixels; at least the PSF's.

    Returns:
        Complex, ``(height, width // 2 + 1)``.

    Raises:
        PsfError: the PSF is larger than the domain.
    """
    kh, kw = psf.shape
    height, width = size
    if kh > height or kw > width:
        raise PsfError(
            f"the PSF has {kh} x {kw} pixels, expected at most the picture's {height} x {width}; crop the PSF"
        )
    padded = psf.new_zeros(height, width)
    padded[:kh, :kw] = psf
    padded = padded.roll((-(kh // 2), -(kw // 2)), dims=(0, 1))
    return torch.fft.rfft2(padded)


class Blur:
    """Circular convolution with one PSF on pictures of one size: a point of light prints the PSF.

    Args:
        psf: ``(kh, kw)``, odd sides.
        size: height and width of the pictures, in pixels.

    Raises:
        PsfError: the PSF is larger than the pictures.
    """

    def __init__(self, psf: Psf, size: tuple[int, int]) -> None:
        self.size = size
        self.otf = otf(psf, size)

    def __call__(self, image: Image) -> Image:
        """Blur every plane of ``image``, ``(B, C, height, width)``."""
        return self.filter(image, self.otf)

    def adjoint(self, image: Image) -> Image:
        """The transposed operator: correlation with the PSF."""
        return self.filter(image, self.otf.conj())

    def filter(self, image: Image, response: Tensor) -> Image:
        """Multiply the spectrum of every plane with ``response``, ``(height, width // 2 + 1)``."""
        return torch.fft.irfft2(torch.fft.rfft2(image) * response, s=self.size)


def gradient_power(size: tuple[int, int], like: Tensor) -> Tensor:
    """``|F(dx)|² + |F(dy)|²`` of the two first-difference filters, ``(height, width // 2 + 1)``.

    Args:
        size: height and width of the circular domain, in pixels.
        like: a tensor whose dtype and device the answer takes.
    """
    height, width = size
    rows = torch.fft.fftfreq(height, dtype=like.dtype, device=like.device)
    columns = torch.fft.rfftfreq(width, dtype=like.dtype, device=like.device)
    power_y = 2 - 2 * torch.cos(2 * torch.pi * rows)
    power_x = 2 - 2 * torch.cos(2 * torch.pi * columns)
    return power_y[:, None] + power_x[None, :]


def power_of(spectrum: Tensor) -> Tensor:
    """``|s|²`` of complex numbers, without the square root that ``abs`` takes."""
    return spectrum.real.square() + spectrum.imag.square()


def scaled(spectrum: Tensor, by: Tensor) -> Tensor:
    """A spectrum times real numbers, which PyTorch would make complex first, and their gradients, too."""
    return torch.view_as_complex(torch.view_as_real(spectrum) * by[..., None])


def correlate_along(image: Tensor, kernels: Tensor, dim: int) -> Tensor:
    """Valid correlation with long one-dimensional kernels, mixing channels: ``conv2d`` with ``(L, 1)`` or ``(1, L)``.

    Direct convolution is slow for kernels as long as the networks' 121 (29 GFLOP/s forwards and backwards on one CPU
    thread); along the long axis alone the FFT needs a tenth of the time, and is as exact as float32 allows.

    Args:
        image: ``(B, C, H, W)``.
        kernels: ``(D, C, L)``, correlated as ``conv2d`` does.
        dim: -2 to correlate along the height, -1 along the width.

    Returns:
        ``(B, D, H', W')``; the chosen side shrinks by ``L - 1``.
    """
    length = image.shape[dim]
    support = kernels.shape[-1]
    size = int(next_fast_len(length, real=True))
    along_width = image if dim == -1 else image.transpose(-2, -1)
    spectrum = torch.fft.rfft(along_width, n=size)
    responses = torch.fft.rfft(kernels, n=size).conj()
    if image.shape[1] == 1:
        product = spectrum * responses[:, 0, None, :]
    else:
        b, c, h, f = spectrum.shape
        # Contiguous, or PyTorch multiplies these complex matrices by a loop that is a hundred times slower.
        across = spectrum.permute(3, 1, 0, 2).reshape(f, c, b * h).contiguous()
        mixed = torch.matmul(responses.permute(2, 0, 1).resolve_conj().contiguous(), across)
        product = mixed.reshape(f, -1, b, h).permute(2, 1, 3, 0)
    result = torch.fft.irfft(product, n=size)[..., : length - support + 1]
    return result if dim == -1 else result.transpose(-2, -1)
