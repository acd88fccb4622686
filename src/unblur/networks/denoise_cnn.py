"""The outlier-rejection network: the denoise CNN of Eigen et al. (2013) as Xu et al. (2014), section 5.4, use it."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor, nn

from unblur.errors import ConfigError
from unblur.networks.dcnn import MEAN
from unblur.tensors import Image


class OutlierLayers(nn.Module):
    """``first × first`` valid, tanh, ``1 × 1``, tanh, ``last × last`` **full**. Shared by the denoise CNN and ODCNN.

    The full last convolution (a transposed one) is what makes the paper's 64 → 49 → 49 → 56 come out. Its outermost
    ``last - 1`` pixels see partial sums only; :attr:`rim` says how many to cut where that matters.

    Args:
        inputs: maps that enter; 1 alone, the deconvolution network's width when merged with it.
        width: maps in both hidden layers.
        first: side of the first kernels in pixels.
        last: side of the last kernels in pixels; ``first - last`` must be even, or the result lies between pixels.
    """

    def __init__(self, *, inputs: int, width: int, first: int, last: int) -> None:
        super().__init__()
        if min(inputs, width, first, last) < 1 or (first - last) % 2:
            raise ConfigError(
                f"got {width} maps with kernels of {first} and {last} pixels, expected at least 1 of each "
                "and two sides that are both even or both odd"
            )
        self.first = nn.Conv2d(inputs, width, first)
        self.second = nn.Conv2d(width, width, 1)
        self.last = nn.ConvTranspose2d(width, 1, last)
        self.rim = last - 1
        self.margin = (first + last - 2) // 2
        """Pixels lost on each side once the rim is cut."""

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` to ``(B, 1, H - first + last, W - first + last)``, rim included."""
        x = torch.tanh(self.first(maps) if maps.shape[1] > 1 else self._first_of_one(maps))
        x = torch.tanh(self.second(x))
        return self._full(x)

    def _first_of_one(self, picture: Tensor) -> Tensor:
        """The first layer for a single map, as one matrix product: twice as fast on CPU as the convolution."""
        b, _, h, w = picture.shape
        width, _, side, _ = self.first.weight.shape
        windows = F.unfold(picture, side)
        x = self.first.weight.flatten(1) @ windows
        x = x.reshape(b, width, h - side + 1, w - side + 1)
        return x if self.first.bias is None else x + self.first.bias[:, None, None]

    def _full(self, hidden: Tensor) -> Tensor:
        """The full convolution to one map, as one matrix product and a sum of shifts, for the same reason."""
        h, w = hidden.shape[-2:]
        side = self.last.weight.shape[-1]
        shares = self.last.weight.flatten(1).T @ hidden.flatten(2)
        x = F.fold(shares.float() if shares.dtype is torch.bfloat16 else shares, (h + side - 1, w + side - 1), side)
        return x if self.last.bias is None else x + self.last.bias[:, None, None]


class DenoiseCNN(nn.Module):
    """Repairs what the deconvolution network leaves: ringing about clipped lights, noise, blocks.

    Sizes of the paper: 512 maps, kernels of 16, 1 and 8; 64 × 64 in, 56 × 56 out.
    """

    def __init__(self, *, width: int = 512, first: int = 16, last: int = 8) -> None:
        super().__init__()
        self.layers = OutlierLayers(inputs=1, width=width, first=first, last=last)
        self.margin = self.layers.margin

    def forward(self, deconvolved: Image) -> Tensor:
        """Each side shrinks by ``first - last``; the rim of ``last - 1`` pixels holds partial sums."""
        b, c, h, w = deconvolved.shape
        x = self.layers(deconvolved.reshape(b * c, 1, h, w) - MEAN)
        return x.reshape(b, c, *x.shape[-2:]) + MEAN

    @torch.no_grad()
    def start(self, generator: torch.Generator, *, carriers: int = 8) -> None:
        """Random weights, with a few maps that pass the picture through, so that training begins at the input's PSNR.

        A random start first has to learn the identity, which tanh units of 16 × 16 kernels do slowly.

        Args:
            generator: source of the weights.
            carriers: so many maps carry the picture at 0.3 of its contrast, where tanh is nearly straight.
        """
        layers = self.layers
        for layer in (layers.first, layers.second, layers.last):
            fan = (
                layer.weight[0].numel() if layer is not layers.last else layer.weight.shape[0] * layer.weight[0].numel()
            )
            draw = torch.randn(layer.weight.shape, generator=generator, device=generator.device)
            layer.weight.copy_((draw * fan**-0.5).to(layer.weight))
            if layer.bias is not None:
                layer.bias.zero_()
        layers.last.weight.mul_(0.01)
        carriers = min(carriers, layers.first.weight.shape[0])
        side, last = layers.first.weight.shape[-1], layers.last.weight.shape[-1]
        contrast = 0.3
        layers.first.weight[:carriers] = 0
        layers.second.weight[:carriers] = 0
        layers.last.weight[:carriers] = 0
        for map_ in range(carriers):
            # Carrier m looks one diagonal step further than the one before and is put back as far; they average out.
            step = map_ % min(last, side)
            layers.first.weight[map_, 0, (side - last) // 2 + step, (side - last) // 2 + step] = contrast
            layers.second.weight[map_, map_] = 1
            layers.last.weight[map_, 0, step, step] = 1 / (contrast * carriers)
