"""The whole network of Xu et al. (2014), section 5.4 and Fig. 6: deconvolution and outlier rejection, merged."""

import torch
from torch import Tensor, nn

from unblur.networks.dcnn import DCNN, MEAN, SeparableMaps
from unblur.networks.denoise_cnn import DenoiseCNN, OutlierLayers
from unblur.tensors import Image

PRESETS: dict[str, dict[str, int]] = {
    "paper": {"width": 38, "support": 121, "outlier_width": 512, "first": 16, "last": 8, "rectified": 0},
    "small": {"width": 20, "support": 101, "outlier_width": 96, "first": 12, "last": 8, "rectified": 0},
}
"""Sizes by name. ``paper``: 5.46 M weights, 5.5 M multiply-adds per pixel. ``small``: 0.34 M and 0.33 M."""


class ODCNN(nn.Module):
    """Outlier-rejection deconvolution for one PSF; colour planes share the weights.

    The paper's sizes are the defaults: 184 × 184 → 64 × 64 × 38 → 49 × 49 × 512 → 56 × 56, 5.46 M weights.

    Args:
        width: maps of the deconvolution layers.
        support: length of their kernels in pixels, odd.
        outlier_width: maps of the outlier-rejection layers.
        first: side of their first kernels in pixels.
        last: side of their last kernels in pixels.
        rectified: 1 for ReLU in the outlier-rejection layers, where the paper has tanh. The deconvolution layers keep
            tanh: they work where it is nearly straight.
    """

    def __init__(
        self,
        *,
        width: int = 38,
        support: int = 121,
        outlier_width: int = 512,
        first: int = 16,
        last: int = 8,
        rectified: int = 0,
    ) -> None:
        super().__init__()
        self.maps = SeparableMaps(width=width, support=support)
        self.layers = OutlierLayers(inputs=width, width=outlier_width, first=first, last=last, rectified=rectified)
        self.rim = self.layers.rim
        self.margin = support // 2 + self.layers.margin
        """Pixels that a result needs on each side of it, rim cut: 71 for the paper's sizes."""

    def forward(self, blurred: Image) -> Tensor:
        """Each side shrinks by ``support - 1 + first - last``; the rim of ``last - 1`` pixels holds partial sums."""
        b, c, h, w = blurred.shape
        x = self.layers(self.maps(blurred.reshape(b * c, 1, h, w)))
        return x.reshape(b, c, *x.shape[-2:]) + MEAN

    @torch.no_grad()
    def merge(self, deconvolution: DCNN, denoise: DenoiseCNN) -> None:
        """Take over both trained halves: no nonlinearity stands between them, so the merge is exact algebra.

        The ``1 × 1 × width`` kernel that mixes the maps multiplies into the first kernels of the denoise CNN; the
        mixing bias meets the sum of each of those kernels.
        """
        self.maps.load_state_dict(deconvolution.maps.state_dict())
        self.layers.second.load_state_dict(denoise.layers.second.state_dict())
        self.layers.last.load_state_dict(denoise.layers.last.state_dict())
        kernels = denoise.layers.first.weight  # (M, 1, first, first)
        self.layers.first.weight.copy_(kernels * deconvolution.mix.weight)  # (1, width, 1, 1) broadcasts to the maps
        if self.layers.first.bias is None or denoise.layers.first.bias is None or deconvolution.mix.bias is None:
            return
        self.layers.first.bias.copy_(denoise.layers.first.bias + deconvolution.mix.bias * kernels.sum(dim=(1, 2, 3)))
