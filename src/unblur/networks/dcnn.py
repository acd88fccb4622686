"""The deconvolution network of Xu et al. (2014), section 5.2: a wide separable inverse filter with nonlinearities."""

from typing import Literal

import torch
from torch import Tensor, nn

from unblur.errors import ConfigError
from unblur.fourier import correlate_along
from unblur.inverse.regularised import pseudo_inverse
from unblur.inverse.separable import separable
from unblur.tensors import Image, Psf

MEAN = 0.5
"""Taken out of the picture before the first layer and added after the last, so that tanh works about zero."""
LINEAR_RANGE = 0.15
"""The 99.9 % quantile of what a map carries after a separable start: tanh bends it by less than one percent."""


class SeparableMaps(nn.Module):
    """The two long layers: ``support × 1``, tanh, ``1 × support``, tanh. Shared by DCNN and ODCNN.

    Args:
        width: maps in each layer.
        support: length of the kernels in pixels.
    """

    def __init__(self, *, width: int, support: int) -> None:
        super().__init__()
        if width < 1 or support < 1 or support % 2 == 0:
            raise ConfigError(f"got {width} maps of support {support}, expected at least one map and an odd support")
        self.columns = nn.Conv2d(1, width, (support, 1))  # conv2d correlates: kernels are stored flipped
        self.rows = nn.Conv2d(width, width, (1, support))

    def forward(self, blurred: Tensor) -> Tensor:
        """``(B, 1, H, W)`` to ``(B, width, H - support + 1, W - support + 1)``; always float32 or wider."""
        with torch.autocast(blurred.device.type, enabled=False):
            x = correlate_along(blurred - MEAN, self.columns.weight.flatten(2), -2)
            x = torch.tanh(x + _per_map(self.columns.bias))
            x = correlate_along(x, self.rows.weight.flatten(2), -1)
            return torch.tanh(x + _per_map(self.rows.bias))

    @torch.no_grad()
    def start_random(self, generator: torch.Generator) -> None:
        """Uniform weights after Glorot and Bengio (2010), biases zero."""
        for layer in (self.columns, self.rows):
            layer.weight.copy_(_glorot(layer.weight, generator))
            _zero(layer.bias)

    @torch.no_grad()
    def start_separable(
        self, psf: Psf, blurred: Image, *, noise_to_signal: float, generator: torch.Generator
    ) -> Tensor:
        """Start as the separable inversion of ``psf``; returns the strengths ``(width,)`` that mix the maps.

        Column j of the first layer is ``u_j``, the diagonal of the second ``v_j``. Each map is scaled so that the
        99.9 % quantile of what it carries on ``blurred`` is 0.15: scaled by the worst case instead, the strengths
        reach 200 and one careless step destroys the start. Singular terms beyond the inverse kernel's rank are kept:
        they carry nothing at first and are there to be learned. What is off the diagonal starts tiny, not zero.
        """
        support = self.columns.weight.shape[-2]
        width = self.columns.weight.shape[0]
        terms = separable(pseudo_inverse(psf.to(torch.float64), noise_to_signal, support), rank=min(width, support))
        rank = terms.strengths.shape[0]
        self.start_random(generator)
        self.columns.weight.mul_(0.01)
        self.rows.weight.mul_(0.01)
        strengths = self.columns.weight.new_zeros(width)
        planes = blurred.reshape(-1, 1, *blurred.shape[-2:]).to(self.columns.weight)
        self.columns.weight[:rank, 0, :, 0] = terms.columns.T.flip(1).to(self.columns.weight)
        first = LINEAR_RANGE / _quantile(correlate_along(planes - MEAN, self.columns.weight.flatten(2), -2))
        self.columns.weight.mul_(first[:, None, None, None])
        for map_ in range(rank):
            self.rows.weight[map_] = 0
            self.rows.weight[map_, map_, 0] = terms.rows[:, map_].flip(0).to(self.rows.weight)
        maps = torch.tanh(correlate_along(planes - MEAN, self.columns.weight.flatten(2), -2))
        second = LINEAR_RANGE / _quantile(correlate_along(maps, self.rows.weight.flatten(2), -1))
        self.rows.weight.mul_(second[:, None, None, None])
        strengths[:rank] = terms.strengths.to(strengths) / (first[:rank] * second[:rank])
        return strengths


class DCNN(nn.Module):
    """A wide separable inverse filter for one PSF; colour planes share the weights.

    Sizes of the paper: 38 maps, support 121; 184 × 184 in, 64 × 64 out.
    """

    def __init__(self, *, width: int = 38, support: int = 121) -> None:
        super().__init__()
        self.maps = SeparableMaps(width=width, support=support)
        self.mix = nn.Conv2d(width, 1, 1)
        self.margin = support // 2
        self.rim = 0

    def forward(self, blurred: Image) -> Tensor:
        """Valid part only: height and width shrink by ``support - 1``."""
        b, c, h, w = blurred.shape
        x = self.mix(self.maps(blurred.reshape(b * c, 1, h, w)))
        return x.reshape(b, c, *x.shape[-2:]) + MEAN

    @torch.no_grad()
    def start(
        self,
        kind: Literal["separable", "random"],
        psf: Psf,
        blurred: Image,
        *,
        noise_to_signal: float,
        generator: torch.Generator,
    ) -> None:
        """Set all weights: from the separable inversion of ``psf``, scaled on ``blurred`` pictures, or at random."""
        _zero(self.mix.bias)
        if kind == "random":
            self.maps.start_random(generator)
            self.mix.weight.copy_(_glorot(self.mix.weight, generator))
            return
        strengths = self.maps.start_separable(psf, blurred, noise_to_signal=noise_to_signal, generator=generator)
        self.mix.weight.copy_(strengths[None, :, None, None])


def _per_map(bias: Tensor | None) -> Tensor | float:
    return 0.0 if bias is None else bias[:, None, None]


def _zero(bias: Tensor | None) -> None:
    if bias is not None:
        bias.zero_()


def _quantile(maps: Tensor) -> Tensor:
    """The 99.9 % quantile of the magnitude of every map, ``(B, C, H, W)`` to ``(C,)``, never below 1e-6."""
    values = maps.abs().transpose(0, 1).flatten(1)
    place = max(1, round(values.shape[1] * 0.001))
    return values.topk(place, dim=1).values[:, -1].clamp_min(1e-6)


def _glorot(weight: Tensor, generator: torch.Generator) -> Tensor:
    out_maps, in_maps, kh, kw = weight.shape
    bound = (6 / ((in_maps + out_maps) * kh * kw)) ** 0.5
    draw = torch.rand(weight.shape, generator=generator, device=generator.device)
    return ((2 * draw - 1) * bound).to(weight)
