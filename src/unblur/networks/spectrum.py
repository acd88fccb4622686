"""Fourier transforms of one large plane in blocks, so that nothing of its size is needed beside its spectrum."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from unblur.networks.scratch import Scratch

BLOCK = 1 << 18
"""Numbers that are transformed together, about: few enough for a cache, enough for a thread pool."""
LEAST_ROWS, LEAST_COLUMNS = 96, 256
"""No block is smaller, however large the plane: networks need rows around theirs, and columns lie far apart."""


class Spectrum:
    """The half spectrum of a real circular plane: along the width row by row, then along the height in place.

    Args:
        size: height and width of the plane.
        like: a real tensor whose precision it takes.
        scratch: where it lies; settled after every passage.
    """

    def __init__(self, size: tuple[int, int], like: Tensor, scratch: Scratch) -> None:
        self.size, self.scratch = size, scratch
        self.values = scratch.new((size[0], size[1] // 2 + 1), like.dtype.to_complex())

    def read(self, rows_of: Callable[[slice], Tensor], *, add: bool = False) -> None:
        """Transform rows ``(n, W)`` along the width and put or add them; the height comes with :meth:`columns`."""
        for rows in row_blocks(self.size):
            transformed = torch.fft.rfft(rows_of(rows))
            self.values[rows] = self.values[rows] + transformed if add else transformed
        self.scratch.settle()

    def columns(self, act: Callable[[Tensor, slice], Tensor]) -> None:
        """Replace blocks of columns ``(H, n)`` by what ``act`` makes of them."""
        for block in self.column_blocks():
            self.values[:, block] = act(self.values[:, block], block)
        self.scratch.settle()

    def filter(self, response: Callable[[slice], Tensor]) -> None:
        """Multiply with ``response(columns)``, ``(H, n)``, between a transform along the height and the one back."""
        self.columns(lambda block, columns: torch.fft.ifft(torch.fft.fft(block, dim=0) * response(columns), dim=0))

    def written(self) -> Iterator[tuple[slice, Tensor]]:
        """Rows of the plane, of columns that were transformed back already; each block may then be overwritten."""
        for rows in row_blocks(self.size):
            yield rows, torch.fft.irfft(self.values[rows], n=self.size[1])
        self.scratch.settle()

    def column_blocks(self) -> list[slice]:
        """All columns of the spectrum in blocks."""
        return _blocks(self.values.shape[1], max(BLOCK // self.values.shape[0], LEAST_COLUMNS))


class Transfer:
    """The transfer function of a small kernel on a large domain, made block by block where it is needed.

    Args:
        kernel: ``(kh, kw)``, origin at ``(kh // 2, kw // 2)``.
        size: height and width of the domain, at least the kernel's.
    """

    def __init__(self, kernel: Tensor, size: tuple[int, int]) -> None:
        (height, width), (kh, kw) = size, kernel.shape
        placed = kernel.new_zeros(kh, width)
        placed[:, :kw] = kernel
        self._rows = torch.fft.rfft(placed.roll(-(kw // 2), dims=1))
        # A whole number of turns is taken out before it is divided: far rows would lose digits.
        turns = torch.outer(torch.arange(height), torch.arange(kh) - kh // 2) % height
        angle = turns.to(torch.float64) * (-2 * torch.pi / height)
        self._waves = torch.polar(torch.ones_like(angle), angle).to(self._rows)

    def __getitem__(self, columns: slice) -> Tensor:
        """Columns of the half spectrum, ``(H, n)``."""
        return self._waves @ self._rows[:, columns]


def gradient_power_columns(size: tuple[int, int], columns: slice, like: Tensor) -> Tensor:
    """Columns of :func:`unblur.fourier.gradient_power`."""
    height, width = size
    across = torch.arange(columns.start, columns.stop, dtype=like.dtype, device=like.device) / width
    down = torch.fft.fftfreq(height, dtype=like.dtype, device=like.device)
    return (2 - 2 * torch.cos(2 * torch.pi * down))[:, None] + (2 - 2 * torch.cos(2 * torch.pi * across))


def row_blocks(size: tuple[int, int]) -> list[slice]:
    """All rows of a plane in blocks."""
    return _blocks(size[0], max(BLOCK // size[1], LEAST_ROWS))


def _blocks(length: int, count: int) -> list[slice]:
    return [slice(start, min(start + count, length)) for start in range(0, length, count)]
