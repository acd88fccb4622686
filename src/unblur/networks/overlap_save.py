"""Convolution with wide kernels as matrix products: by spectrum along the width, tap by tap along the height.

A kernel of s × s pixels costs s² multiply-adds for each output pixel and pair of maps. Cut into columns of T pixels
that overlap by s - 1 (overlap-save) and taken to the spectrum along the width, it costs 2 s (T + 2) / (T - s + 1):
at s = 16 and T = 64 that is 43 instead of 256. All of it is matrix products, which processors and GPUs do best, in
bfloat16 where that pays; an FFT in both directions would need fewer multiplications, but fetch each weight's spectrum
from memory for a handful of them.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx

PER_SIDE = 4
"""Columns are so many kernel sides wide: wider ones repeat less, narrower ones have fewer frequencies."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """How maps ``(B, C, H, W)`` lie as columns ``(C, step · n · B · H)``, all pixels of a map in one row.

    Column j of picture b begins at pixel ``j * step`` of its width; the last one may reach beyond it.
    """

    step: int
    """Pixels of width that each column adds."""
    number: int
    """Columns, n."""
    batch: int
    height: int
    width: int

    def restored(self, columns: Float[Tensor, "c m"]) -> Float[Tensor, "b c h w"]:
        """From columns back to maps."""
        maps = columns.reshape(-1, self.step, self.number, self.batch, self.height).permute(3, 0, 4, 2, 1)
        return maps.flatten(3)[..., : self.width]


def correlate(
    maps: Float[Tensor, "b c h w"], kernels: Float[Tensor, "d c s s"], dtype: torch.dtype
) -> tuple[Float[Tensor, "d m"], Columns]:
    """Valid correlation as ``conv2d`` has it, the result as columns, on which 1 × 1 layers go on as matrix products.

    Args:
        maps: at least as large as the kernels.
        kernels: square.
        dtype: of the large matrix products; what enters is transformed in the maps' own.

    Returns:
        Columns of ``(B, D, H - s + 1, W - s + 1)`` in ``dtype``, and where they belong.
    """
    batch, _, height, width = maps.shape
    count, inputs, side, _ = kernels.shape
    length = PER_SIDE * side
    step, rows = length - side + 1, height - side + 1
    number = math.ceil((width - side + 1) / step)
    forward, inverse = _transforms(length, maps.dtype, maps.device)
    with torch.autocast(maps.device.type, enabled=False):
        columns = F.pad(maps, (0, number * step + side - 1 - width)).unfold(-1, length, step)
        columns = columns.permute(4, 1, 3, 0, 2).reshape(length, -1)
        spectrum = (forward.flatten(0, 1) @ columns).to(dtype).reshape(-1, 2 * inputs, number * batch, height)
        windows: Tensor = _Windows.apply(spectrum, side)  # type: ignore[no-untyped-call]
        product = torch.bmm(_responses(kernels, forward, dtype), windows)  # (F, 2 D, n · B · h)
        product = product.reshape(inverse[..., 0].numel(), count, -1).transpose(0, 1)
        back = inverse[..., :step].permute(2, 0, 1).flatten(1).to(dtype)
        result = torch.bmm(back.expand(count, -1, -1), product)
    layout = Columns(step=step, number=number, batch=batch, height=rows, width=width - side + 1)
    return result.flatten(1), layout


class _Windows(torch.autograd.Function):
    """``(F, C, N, H)`` to ``(F, C · side, N · (H - side + 1))``: row (c, t) holds map c from its line t on.

    A gather whose own gradient PyTorch would spread over ``side`` tensors of the whole size.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, spectrum: Tensor, side: int) -> Tensor:
        ctx.side, ctx.shape = side, spectrum.shape  # type: ignore[attr-defined]
        windows = spectrum.unfold(-1, spectrum.shape[-1] - side + 1, 1)  # (F, C, N, side, rows)
        return windows.transpose(2, 3).flatten(1, 2).flatten(2)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        side, (half, maps, number, height) = ctx.side, ctx.shape  # type: ignore[attr-defined]
        rows = height - side + 1
        shares = gradient.reshape(half, maps, side, number, rows)
        total = gradient.new_zeros(half, maps, number, height)
        for tap in range(side):
            total[..., tap : tap + rows] += shares[:, :, tap]
        return total, None


def _responses(kernels: Tensor, forward: Tensor, dtype: torch.dtype) -> Tensor:
    """For each frequency the real matrix ``(2 D, 2 C s)`` that a complex correlation is."""
    count, inputs, side, _ = kernels.shape
    half = len(forward)
    transform = forward[..., :side].permute(2, 0, 1).flatten(1)  # (s, 2 F)
    spectrum = (kernels.permute(1, 2, 0, 3).reshape(-1, side).to(forward.dtype) @ transform).to(dtype)
    spectrum = spectrum.reshape(inputs * side, count, half, 2).permute(3, 2, 1, 0).contiguous()
    real, imaginary = spectrum  # (F, D, C s) each
    # Correlation multiplies with the conjugate: what is real takes re · re + im · im.
    return torch.cat([torch.cat([real, imaginary], 2), torch.cat([-imaginary, real], 2)], 1)


@lru_cache(maxsize=16)
def _transforms(length: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """The real DFT of ``length`` values and its inverse as matrices ``(frequencies, 2, length)``."""
    turns = torch.outer(torch.arange(length // 2 + 1, dtype=torch.float64), torch.arange(length, dtype=torch.float64))
    angles = 2 * math.pi / length * (turns % length)
    waves = torch.stack([angles.cos(), -angles.sin()], dim=1)
    share = waves.new_full((len(waves), 1, 1), 2 / length)
    share[0] = share[-1] = 1 / length  # the length is even: the first and the last frequency stand for themselves
    return waves.to(device, dtype), (waves * share).to(device, dtype)
