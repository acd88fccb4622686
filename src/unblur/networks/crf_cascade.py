"""A cascade of Gaussian random fields with learned shrinkage: ``crf-cascade``.

The paper compares with the regression tree fields of Schmidt et al. (2013), Discriminative non-blind deblurring. What
stands here instead is their successor, shrinkage fields: each stage is again a Gaussian field whose mean is found in
closed form, but simple learned functions take the place of the regression trees.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from jaxtyping import Float
from torch import Tensor, nn

from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.networks.patchwise import wrapped
from unblur.tensors import Image, Psf

_REACH = 1.0
"""Responses up to this are shaped by the learned functions; what lies beyond is continued with slope 1."""
_POINTS = 1025
"""Of the table through which the functions are evaluated, linear in between."""


def cosines(side: int) -> Float[Tensor, "n s s"]:
    """The orthonormal two-dimensional cosine basis (DCT-II) without its constant, ``(side² - 1, side, side)``."""
    places = torch.arange(side, dtype=torch.float64)
    waves = torch.cos(math.pi / side * (places[None, :] + 0.5) * places[:, None]) * math.sqrt(2 / side)
    waves[0] /= math.sqrt(2)
    return torch.einsum("iy,jx->ijyx", waves, waves).flatten(0, 1)[1:]


class ShrinkageStage(nn.Module):
    """One Gaussian field: filter responses are shrunk, then the picture that fits them and the blur is solved for.

    Args:
        side: of the filters, in pixels, odd.
        kernels: Gaussians of which each shrinkage function is a sum.
    """

    basis: Tensor
    gaussians: Tensor

    def __init__(self, *, side: int, kernels: int) -> None:
        super().__init__()
        basis = cosines(side)
        self.register_buffer("basis", basis.float(), persistent=False)
        centres = torch.linspace(-_REACH, _REACH, kernels, dtype=torch.float64)
        grid = torch.linspace(-_REACH, _REACH, _POINTS, dtype=torch.float64)
        spacing = 2 * _REACH / (kernels - 1)
        gaussians = torch.exp(-0.5 * ((grid[:, None] - centres[None, :]) / spacing).square())
        self.register_buffer("gaussians", gaussians.float(), persistent=False)
        self.mixture = nn.Parameter(torch.eye(len(basis)))
        self.heights = nn.Parameter(torch.zeros(len(basis), kernels))
        self.log_fidelity = nn.Parameter(torch.tensor(math.log(1000.0)))
        if not self.heights.is_meta:  # only its shapes are asked for
            self.shape_as(grid * (1 - torch.exp(-(grid / 0.05).square())))

    @torch.no_grad()
    def shape_as(self, values: Tensor) -> None:
        """Make every shrinkage function the best fit to ``values`` on an even grid over the whole reach."""
        table = self.gaussians.double().cpu()
        # The Gaussians overlap so much that an exact fit would have huge heights of both signs.
        even = 1e-4 * torch.eye(table.shape[1]).double()
        heights = torch.linalg.solve(table.T @ table + even, table.T @ values.double().cpu())
        self.heights.copy_(heights.expand_as(self.heights))

    def forward(self, estimate: Tensor, filled: Tensor, blur: Blur) -> Tensor:
        """``F⁻¹((λ conj(F(k)) F(y) + Σ conj(F(f)) F(φ(f ⊗ x))) / (λ |F(k)|² + Σ |F(f)|²))``, all ``(P, 1, H, W)``."""
        filters = torch.tensordot(self.mixture, self.basis, dims=1)[:, None]
        guide = _adjoint(self.shrunk(_responses(estimate, filters)), filters)
        point = torch.zeros_like(estimate[:1])
        point[..., 0, 0] = 1
        power = torch.fft.rfft2(_adjoint(_responses(point, filters), filters)).real
        fidelity = self.log_fidelity.exp()
        spectrum = fidelity * blur.otf.conj() * torch.fft.rfft2(filled) + torch.fft.rfft2(guide)
        return torch.fft.irfft2(spectrum / (fidelity * blur.otf.abs().square() + power), s=blur.size)

    def shrunk(self, responses: Float[Tensor, "p n h w"]) -> Float[Tensor, "p n h w"]:
        """Each filter's function of its responses, by linear interpolation in a table."""
        table = self.heights @ self.gaussians.T
        places = (responses.clamp(-_REACH, _REACH) + _REACH) * ((_POINTS - 1) / (2 * _REACH))
        lower = places.detach().floor().clamp_max(_POINTS - 2)
        starts = torch.arange(len(table), device=table.device, dtype=torch.int32)[:, None, None] * _POINTS
        first = (lower.to(torch.int32) + starts).flatten()
        values = table.flatten()
        low = values.index_select(0, first).view_as(places)
        high = values.index_select(0, first + 1).view_as(places)
        beyond = responses - responses.clamp(-_REACH, _REACH)
        return torch.lerp(low, high, places - lower) + beyond


class CrfCascade(nn.Module):
    """Shrinkage stages one after the other, each with parameters of its own; for one PSF and noise level.

    Args:
        stages: the authors' 5 or so; more is better, and slower.
        side: of the filters, in pixels, odd; the authors' 3, 5 and 7.
        kernels: Gaussians in each shrinkage function; the authors' 51 to 63.

    After Schmidt and Roth, Shrinkage fields for effective image restoration (2014).
    """

    def __init__(self, *, stages: int = 5, side: int = 5, kernels: int = 53) -> None:
        super().__init__()
        if stages < 1 or side < 3 or side % 2 == 0 or kernels < 2:
            raise ConfigError(
                f"got {stages} stages with filters of {side} pixels and {kernels} kernels, expected at least one "
                "stage, an odd side of at least 3 and two kernels"
            )
        self.stages = nn.ModuleList(ShrinkageStage(side=side, kernels=kernels) for _ in range(stages))

    def forward(
        self,
        blurred: Image,
        psf: Psf,
        weight: Float[Tensor, "#b #c h w"],
        *,
        stages: int | None = None,
        frozen: int = 0,
    ) -> Image:
        """Restore a circular picture; pixels of weight 0 are replaced by the estimate's own blur before each stage.

        Args:
            blurred: ``(B, C, H, W)``, circular.
            psf: odd sides, sums to 1.
            weight: ``(B|1, C|1, H, W)``, 1 = trust.
            stages: stop after so many; None goes through all.
            frozen: so many stages pass no gradient.
        """
        b, c, h, w = blurred.shape
        blur = Blur(psf, (h, w))
        observed = blurred.reshape(b * c, 1, h, w)
        trust = weight.expand_as(blurred).reshape(b * c, 1, h, w)
        estimate = filled = observed
        for number, stage in enumerate(list(self.stages)[:stages]):
            with torch.set_grad_enabled(torch.is_grad_enabled() and number >= frozen):
                if number:
                    filled = torch.lerp(blur(estimate), observed, trust)
                estimate = stage(estimate, filled, blur)
        return estimate.reshape(b, c, h, w)


def _responses(planes: Tensor, filters: Tensor) -> Tensor:
    """Circular correlation of ``(P, 1, H, W)`` with ``(N, 1, s, s)``: ``(P, N, H, W)``."""
    half = filters.shape[-1] // 2
    return F.conv2d(wrapped(planes, half, half), filters)


def _adjoint(maps: Tensor, filters: Tensor) -> Tensor:
    """The transposed operator of :func:`_responses`: ``(P, N, H, W)`` to ``(P, 1, H, W)``."""
    half = filters.shape[-1] // 2
    return F.conv2d(wrapped(maps, half, half), filters.flip(-2, -1).transpose(0, 1))
