"""The outlier-rejection network: the denoise CNN of Eigen et al. (2013) as Xu et al. (2014), section 5.4, use it."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor, nn

from unblur.errors import ConfigError
from unblur.networks.dcnn import MEAN
from unblur.networks.overlap_save import correlate
from unblur.tensors import Image

BAND = 100_000
"""Hidden pixels computed at a time; each takes some 6 KB at the paper's size."""


class OutlierLayers(nn.Module):
    """``first × first`` valid, tanh, ``1 × 1``, tanh, ``last × last`` **full**. Shared by the denoise CNN and ODCNN.

    The first kernels are wide: they and all that follows are computed as matrix products (:mod:`overlap_save`).

    The full last convolution (a transposed one) is what makes the paper's 64 → 49 → 49 → 56 come out. Its outermost
    ``last - 1`` pixels see partial sums only; :attr:`rim` says how many to cut where that matters.

    Args:
        inputs: maps that enter; 1 alone, the deconvolution network's width when merged with it.
        width: maps in both hidden layers.
        first: side of the first kernels in pixels.
        last: side of the last kernels in pixels; ``first - last`` must be even, or the result lies between pixels.
        rectified: 1 for ReLU where the paper has tanh.
    """

    def __init__(self, *, inputs: int, width: int, first: int, last: int, rectified: int = 0) -> None:
        super().__init__()
        if min(inputs, width, first, last) < 1 or (first - last) % 2:
            raise ConfigError(
                f"got {width} maps with kernels of {first} and {last} pixels, expected at least 1 of each "
                "and two sides that are both even or both odd"
            )
        self.rectified = rectified
        self.unit = torch.relu if rectified else torch.tanh
        self.first = nn.Conv2d(inputs, width, first)
        self.second = nn.Conv2d(width, width, 1)
        self.last = nn.ConvTranspose2d(width, 1, last)
        self.rim = last - 1
        self.margin = (first + last - 2) // 2
        """Pixels lost on each side once the rim is cut."""

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` to ``(B, 1, H - first + last, W - first + last)``, rim included.

        In bands, as the hidden layers of a whole photograph would fill gigabytes.
        """
        batch, _, height, width = maps.shape
        side, last = self.first.weight.shape[-1], self.last.weight.shape[-1]
        rows = max(1, BAND // (batch * (width - side + 1)))
        tops = range(0, height - side + 1, rows)
        bands = [self._shares(maps[..., top : top + rows + side - 1, :]) for top in tops]
        # The full convolution to one map: so many shares of each hidden pixel, summed where they fall.
        shares = torch.cat(bands, dim=2).flatten(2)
        x = F.fold(shares, (height - side + last, width - side + last), last)
        return x if self.last.bias is None else x + self.last.bias[:, None, None]

    def _shares(self, maps: Tensor) -> Tensor:
        """What each hidden pixel adds to the ``last²`` pixels around it, ``(B, last², h, w)``."""
        autocast = torch.is_autocast_enabled(maps.device.type)
        dtype = torch.get_autocast_dtype(maps.device.type) if autocast else maps.dtype
        x, columns = correlate(maps, self.first.weight, dtype)
        x = self.unit(x + _per_map(self.first.bias, dtype))
        x = self.unit(self.second.weight.flatten(1) @ x + _per_map(self.second.bias, dtype))
        shares = self.last.weight.flatten(1).T @ x
        return columns.restored(shares.to(maps.dtype))


def _per_map(bias: Tensor | None, dtype: torch.dtype) -> Tensor | float:
    return 0.0 if bias is None else bias.to(dtype)[:, None]


class DenoiseCNN(nn.Module):
    """Repairs what the deconvolution network leaves: ringing about clipped lights, noise, blocks.

    Sizes of the paper: 512 maps, kernels of 16, 1 and 8; 64 × 64 in, 56 × 56 out.
    """

    def __init__(self, *, width: int = 512, first: int = 16, last: int = 8, rectified: int = 0) -> None:
        super().__init__()
        self.layers = OutlierLayers(inputs=1, width=width, first=first, last=last, rectified=rectified)
        self.margin = self.layers.margin

    def forward(self, deconvolved: Image) -> Tensor:
        """Each side shrinks by ``first - last``; the rim of ``last - 1`` pixels holds partial sums."""
        b, c, h, w = deconvolved.shape
        x = self.layers(deconvolved.reshape(b * c, 1, h, w) - MEAN)
        return x.reshape(b, c, *x.shape[-2:]) + MEAN

    @torch.no_grad()
    def start(self, generator: torch.Generator, *, carriers: int = 8) -> None:
        """Random weights, with a few maps that pass the picture through, so that training begins at the input's PSNR.

        A random start first has to learn the identity, which tanh units of 16 × 16 kernels do slowly. Rectified
        carriers are lifted until the whole range of a picture stays above zero.

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
            layer.weight.copy_((draw * ((1 + self.layers.rectified) / fan) ** 0.5).to(layer.weight))
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
        if layers.rectified and layers.first.bias is not None and layers.last.bias is not None:
            layers.first.bias[:carriers] = contrast
            layers.last.bias -= 1
