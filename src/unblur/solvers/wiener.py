"""Wiener deconvolution: Tikhonov regularisation in closed form."""

import math
from dataclasses import dataclass
from typing import Literal

import torch

from unblur.errors import ConfigError
from unblur.fourier import Blur, gradient_power
from unblur.tensors import Image, Psf, Report, Weight


@dataclass(frozen=True, kw_only=True)
class WienerSettings:
    """What a user may set."""

    noise_to_signal: float = 0.01
    """The r of ``|F(k)|² + r``, above 0; larger is smoother and calmer, smaller is sharper and noisier."""
    prior: Literal["flat", "gradient"] = "flat"
    """``flat`` damps all frequencies alike (Wiener, Tikhonov); ``gradient`` damps fine detail more."""
    refills: int = 2
    """How often ignored pixels and the outside are replaced by the estimate's own blur; 0 trusts the extension."""

    def __post_init__(self) -> None:
        """Refuse what the formula cannot bear."""
        if not self.noise_to_signal > 0:
            raise ConfigError(
                f"noise_to_signal is {self.noise_to_signal}, expected a number above 0, 0.01 for instance"
            )
        if self.prior not in ("flat", "gradient"):
            raise ConfigError(f"prior is {self.prior!r}, expected 'flat' or 'gradient'")
        if self.refills < 0:
            raise ConfigError(f"refills is {self.refills}, expected 0 or more")


def wiener_reach(settings: WienerSettings, psf: Psf) -> int:
    """Pixels after which what stands beyond an edge no longer shows: so much must tiles overlap.

    Ringing comes from frequencies near the zeros of the transfer function. There ``F(k)`` passes through 0 with a slope
    that grows with the PSF's size, so ``1 / (|F(k)|² + r |F(G)|²)`` is as narrow as the root of ``r |F(G)|²`` over
    that slope, and rings as far as its inverse. For the gradient, ``|F(G)|`` at the first zeros, at a frequency of
    about 1 / size, is ``2 π / size``. The factors were measured on photographs (``unblur.benchmark.seams``).
    """
    size = max(psf.shape)
    damping = math.sqrt(settings.noise_to_signal / 0.01)
    if settings.prior == "gradient":
        damping *= min(1.0, 2 * math.pi / size)
    return math.ceil(8 + 2 * size + 11 * size / damping)


def wiener(
    blurred: Image, psf: Psf, *, weight: Weight, settings: WienerSettings, report: Report | None = None
) -> Image:
    """Minimise ``|x ⊗ k - y|² + r |G x|²``, with G the identity or the gradient.

    The answer is ``F⁻¹(conj(F(k)) F(y) / (|F(k)|² + r |F(G)|²))``, scaled so that a flat picture keeps its level
    (the plain formula darkens it by 1 / (1 + r)).

    Args:
        blurred: ``(B, C, H, W)``, circular.
        psf: odd sides, sums to 1.
        weight: ``(B|1, C|1, H, W)``, 1 = trust; 0 = replaced by the estimate's blur at each refill.
        settings: regularisation and refills.
        report: told the share of the work that is done.

    Returns:
        The estimate, not clipped.

    After Wiener (1949); the gradient form is the quadratic prior of Levin et al. (2007).
    """
    blur = Blur(psf, (blurred.shape[-2], blurred.shape[-1]))
    power = gradient_power(blur.size, blurred) if settings.prior == "gradient" else torch.ones_like(blur.otf.real)
    response = blur.otf.conj() / (blur.otf.abs().square() + settings.noise_to_signal * power)
    response = response / response[0, 0].real
    filled = blurred
    restored = blur.filter(filled, response)
    for done in range(settings.refills):
        if report:
            report((done + 1) / (settings.refills + 1))
        filled = torch.lerp(blur(restored), blurred, weight.expand_as(blurred))
        restored = blur.filter(filled, response)
    return restored
