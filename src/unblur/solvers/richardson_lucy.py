"""Richardson-Lucy deconvolution: maximum likelihood under photon noise."""

from dataclasses import dataclass

import torch

from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.tensors import Image, Psf, Report, Weight


@dataclass(frozen=True, kw_only=True)
class RichardsonLucySettings:
    """What a user may set."""

    iterations: int = 50
    """The only regulariser; more is sharper and noisier."""
    floor: float = 1e-4
    """Smallest predicted intensity, so that black areas do not divide by zero; larger is calmer in the dark."""

    def __post_init__(self) -> None:
        """Refuse what the iteration cannot bear."""
        if self.iterations < 1:
            raise ConfigError(f"iterations is {self.iterations}, expected 1 or more")
        if not self.floor > 0:
            raise ConfigError(f"floor is {self.floor}, expected a number above 0, 0.0001 for instance")


def richardson_lucy(
    blurred: Image, psf: Psf, *, weight: Weight, settings: RichardsonLucySettings, report: Report | None = None
) -> Image:
    """Maximise the Poisson likelihood of the trusted pixels by multiplicative updates.

    ``x ← x · kᵀ ⊗ (w y / (k ⊗ x)) / (kᵀ ⊗ w)``: with weight 0 outside the photograph, the outside is estimated along
    with the inside, from the light that it sheds over the edge.

    Args:
        blurred: ``(B, C, H, W)``, circular; negative values count as 0, brighter than white is kept.
        psf: odd sides, sums to 1.
        weight: ``(B|1, C|1, H, W)``, 1 = trust, 0 = ignore.
        settings: iterations and floor.
        report: told the share of the work that is done.

    Returns:
        The estimate, not negative, not clipped.

    After Richardson (1972) and Lucy (1974); the weight after Bertero and Boccacci (2005).
    """
    floor = settings.floor
    blur = Blur(psf, (blurred.shape[-2], blurred.shape[-1]))
    light = blurred.clamp_min(0) * weight
    reach = blur.adjoint(weight)
    blind = reach < 1e-2  # no trusted pixel holds light from here: the mean level stays
    reach = reach.clamp_min(1e-2)
    level = light.sum(dim=(-2, -1), keepdim=True) / weight.expand_as(light).sum(dim=(-2, -1), keepdim=True).clamp_min(1)
    restored = level.expand_as(blurred)
    for done in range(settings.iterations):
        surprise = light / blur(restored).clamp_min(floor)
        restored = restored * torch.where(blind, 1.0, blur.adjoint(surprise).clamp_min(0) / reach)
        if report:
            report((done + 1) / settings.iterations)
    return restored
