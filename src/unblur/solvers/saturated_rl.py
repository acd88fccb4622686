"""Richardson-Lucy for pictures with clipped light: the sensor's ceiling is part of the model."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from jaxtyping import Bool, Float
from torch import Tensor

from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.tensors import Image, Psf, Report


@dataclass(frozen=True, kw_only=True)
class SaturatedRlSettings:
    """What a user may set."""

    iterations: int = 50
    """The only regulariser; more is sharper and noisier."""
    hardness: float = 50.0
    """The a of the sensor's response, above 0; larger clips more abruptly at white."""
    bright: float = 0.9
    """Estimates at or above this count as clipped light, above 0; smaller keeps more pixels from its ringing."""
    floor: float = 1e-4
    """Smallest predicted intensity, so that black areas do not divide by zero; larger is calmer in the dark."""

    def __post_init__(self) -> None:
        """Refuse what the iteration cannot bear."""
        if self.iterations < 1:
            raise ConfigError(f"iterations is {self.iterations}, expected 1 or more")
        for name in ("hardness", "bright", "floor"):
            value = getattr(self, name)
            if not value > 0:
                raise ConfigError(
                    f"{name} is {value}, expected a number above 0, {getattr(type(self), name)} for instance"
                )


def response(light: Tensor, hardness: float) -> Tensor:
    """What a sensor records: ``R(x) = x - log(1 + exp(a (x - 1))) / a``, light below white, 1 above, smoothly joined.

    Computed as ``1 - log(1 + exp(a (1 - x))) / a``, which is the same and keeps its digits for any brightness.

    Args:
        light: not negative.
        hardness: the a of the formula; larger clips more abruptly.
    """
    return 1 - F.softplus(1 - light, beta=hardness, threshold=60)


def response_slope(light: Tensor, hardness: float) -> Tensor:
    """``R'(x) = 1 / (1 + exp(a (x - 1)))``: 1 where the sensor follows the light, 0 where it is clipped."""
    return torch.sigmoid(hardness * (1 - light))


def split_correction(
    error: Image,
    bright: Bool[Tensor, "b c h w"],
    *,
    trust: Float[Tensor, "#b #c h w"],
    reach: Float[Tensor, "#b #c h w"],
    blur: Blur,
    spread: Blur,
) -> Image:
    """Send the error back to where it came from, but keep what bright estimates may have caused from the dark ones.

    ``kᵀ ⊗ e - s (kᵀ ⊗ (e r))``: r is 1 on the blurred pixels that a bright estimate reaches, and s is the share of an
    estimate's light that falls on the other, trusted ones; 0 for the bright ones, which hear all of the error. Dark
    estimates hear the reached pixels in as far as they have no others. Were s 1 for all of them, those between lights
    would have nothing to learn from: they would stay where they were on the way up, just below bright, and the lights
    around them would rise to explain the rest, which shows as grey plateaus with thin white rims.

    Args:
        error: what the blurred pixels ask for, 0 where they are not trusted.
        bright: the uncertain estimates.
        trust: weight of the blurred pixels.
        reach: ``kᵀ ⊗ trust``, above 0: how much of an estimate's light falls on trusted pixels.
        blur: convolution with the PSF.
        spread: convolution with the PSF's footprint, 1 where it holds light; finds all pixels that bright ones reach.
    """
    reached = spread(bright.to(error)) > 0.5  # counts the bright estimates under the footprint
    share = (blur.adjoint(trust.masked_fill(reached, 0)) / reach).clamp(0, 1)
    doubt = share.masked_fill(bright, 0) * blur.adjoint(error.where(reached, 0))
    return blur.adjoint(error) - doubt


def saturated_rl(
    blurred: Image,
    psf: Psf,
    *,
    weight: Float[Tensor, "#b #c h w"],
    settings: SaturatedRlSettings,
    report: Report | None = None,
) -> Image:
    """Richardson-Lucy with a sensor that clips, where bright light is kept from spoiling the rest.

    With the response R, the likelihood's gradient is ``kᵀ ⊗ e``, ``e = w R'(k ⊗ x) (y / R(k ⊗ x) - 1)``, and the update
    ``x ← x (1 + kᵀ ⊗ e / kᵀ ⊗ w)``. Estimates at white or above are uncertain, and their errors would ring over a whole
    PSF; the other pixels therefore learn from the blurred pixels that no such estimate reaches, as far as they have any
    (:func:`split_correction`; the last condition is an addition to the papers' split).

    Args:
        blurred: ``(B, C, H, W)``, circular; counts as 0 below and as 1 above [0, 1].
        psf: odd sides, sums to 1.
        weight: ``(B|1, C|1, H, W)``, 1 = trust, 0 = ignore.
        settings: iterations and the model of clipping.
        report: told the share of the work that is done.

    Returns:
        The estimate, not negative, not clipped: lights may exceed 1.

    After Whyte, Sivic and Zisserman, Deblurring shaken and partially saturated images (2011, 2014).
    """
    blur = Blur(psf, (blurred.shape[-2], blurred.shape[-1]))
    spread = Blur((psf > psf.max() / 1000).to(psf), blur.size)
    recorded = blurred.clamp(0, 1)
    trust = weight.expand(weight.shape[0], weight.shape[1], *blur.size)
    reach = blur.adjoint(trust)
    blind = reach < 1e-2  # no trusted pixel holds light from here: what is given stays, but does not count as bright
    reach = reach.clamp_min(1e-2)
    # Any flat start that the sensor follows leads to the same first step; the mean might be too bright for that.
    restored = torch.where(blind, recorded.clamp_max(0.99 * settings.bright), min(0.5, settings.bright / 2))
    for done in range(settings.iterations):
        light = blur(restored)
        expected = response(light, settings.hardness).clamp_min(settings.floor)
        error = trust * response_slope(light, settings.hardness) * (recorded / expected - 1)
        bright = restored >= settings.bright
        step = split_correction(error, bright, trust=trust, reach=reach, blur=blur, spread=spread) / reach
        restored = restored * (1 + step).clamp_min(0)
        if report:
            report((done + 1) / settings.iterations)
    return restored
