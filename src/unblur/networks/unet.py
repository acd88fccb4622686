"""A small U-Net of plain convolutions at half, quarter and eighth resolution: quick on CPUs and GPUs alike."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor, nn

STRIDE = 8
"""Sides of the input are multiples of this."""


class Block(nn.Module):
    """Two 3 × 3 convolutions whose result is added to their input.

    Args:
        width: maps in, between and out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return x + self.second(F.relu(self.first(F.relu(x))))


class UNet(nn.Module):
    """Maps planes to planes of the same size; with the starting weights the answer is zero.

    Args:
        inputs: planes in.
        outputs: planes out.
        widths: maps at half, a quarter and an eighth of the resolution.
        blocks: at either fine level on the way down, and again on the way up; twice as many at the bottom.
    """

    def __init__(self, inputs: int, outputs: int, widths: tuple[int, int, int], blocks: int) -> None:
        super().__init__()
        fine, middle, deep = widths
        self.front = nn.Conv2d(4 * inputs, fine, 3, padding=1)
        self.down = nn.ModuleList([_blocks(fine, blocks), _blocks(middle, blocks)])
        self.shrink = nn.ModuleList([nn.Conv2d(fine, middle, 2, stride=2), nn.Conv2d(middle, deep, 2, stride=2)])
        self.bottom = _blocks(deep, 2 * blocks)
        self.grow = nn.ModuleList(
            [nn.ConvTranspose2d(middle, fine, 2, stride=2), nn.ConvTranspose2d(deep, middle, 2, stride=2)]
        )
        self.up = nn.ModuleList([_blocks(fine, blocks), _blocks(middle, blocks)])
        self.last = nn.Conv2d(fine, 4 * outputs, 3, padding=1)
        self.start(torch.Generator().manual_seed(0))

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """Draw weights that keep the variance (He et al. 2015); each block's second layer small, the last layer 0."""
        for name, parameter in self.named_parameters():
            if parameter.ndim == 1 or name.startswith("last"):
                parameter.zero_()
                continue
            # A transposed convolution of stride 2 sees each input map once per pixel: its fan-in is its first side.
            fan = parameter.shape[0] if name.startswith("grow") else parameter[0].numel()
            scale = 0.1 if ".second." in name else 1.0
            drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float32)
            parameter.copy_(drawn * scale * math.sqrt(2 / fan))

    @property
    def reach(self) -> int:
        """No pixel of the answer depends on pixels further away than this; a multiple of :data:`STRIDE`."""
        fine, middle, deep = (sum(isinstance(m, Block) for m in part) for part in (*self.down, self.bottom))
        # Two pixels of the own level for a block, on the way down and up again; one for the first and last layer.
        # Each change of level rounds to a whole cell.
        reach = 2 * (2 * 2 * fine + 2) + 4 * 2 * 2 * middle + 8 * 2 * deep
        return -(-reach // STRIDE) * STRIDE + STRIDE

    @property
    def multiply_adds(self) -> float:
        """Multiply-adds per pixel of the input."""
        levels: list[tuple[float, list[nn.Module]]] = [
            (1 / 4, [self.front, self.down[0], self.up[0], self.last]),
            (1 / 16, [self.shrink[0], self.down[1], self.up[1], self.grow[0]]),
            (1 / 64, [self.shrink[1], self.bottom, self.grow[1]]),
        ]
        return sum(
            share * parameter.numel()
            for share, modules in levels
            for module in modules
            for parameter in module.parameters()
            if parameter.ndim == 4
        )

    def forward(self, planes: Tensor) -> Tensor:
        """Planes ``(B, inputs, H, W)``, sides multiples of 8, to ``(B, outputs, H, W)``; padded with zeros inside."""
        x = _cells(planes)
        fine = self.down[0](self.front(x))
        middle = self.down[1](self.shrink[0](fine))
        deep = self.bottom(self.shrink[1](middle))
        middle = self.up[1](middle + self.grow[1](deep))
        fine = self.up[0](fine + self.grow[0](middle))
        return F.pixel_shuffle(self.last(F.relu(fine)), 2)


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Block(width) for _ in range(count)))


def _cells(planes: Tensor) -> Tensor:
    """``pixel_unshuffle(planes, 2)`` in channels last, in one pass over the memory instead of two."""
    b, c, h, w = planes.shape
    cells = planes.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return cells.reshape(b, h // 2, w // 2, 4 * c).permute(0, 3, 1, 2)
