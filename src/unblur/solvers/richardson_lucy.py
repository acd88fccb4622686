"""Richardson-Lucy deconvolution: maximum likelihood under photon noise."""

import math
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


def richardson_lucy_reach(iterations: int, psf: Psf) -> int:
    """Pixels after which what stands beyond an edge no longer shows: so much must tiles overlap.

    After n iterations frequencies are restored where ``|F(k)|²`` exceeds about 1 / n, which therefore stands where the
    regularisation r stands in Wiener's filter; like that filter's, the reach grows with the PSF's size and the root of
    n. The factors were measured on photographs (``unblur.benchmark.seams``), also those of clipped light.
    """
    return math.ceil(32 + 6 * max(psf.shape) * math.sqrt(iterations / 50))


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
    blind = reach < 1e-2  # no trusted pixel holds light from here: what is given stays
    reach = reach.clamp_min(1e-2)
    restored = torch.where(blind, blurred.clamp_min(0), 0.5)  # any flat start leads to the same first step
    for done in range(settings.iterations):
        surprise = light / blur(restored).clamp_min(floor)
        restored = restored * torch.where(blind, 1.0, blur.adjoint(surprise).clamp_min(0) / reach)
        if report:
            report((done + 1) / settings.iterations)
    return restored
