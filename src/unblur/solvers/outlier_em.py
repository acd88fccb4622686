"""Deconvolution that decides for each pixel whether the blur explains it: clipped light and dead pixels drop out."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.solvers.irls import SparsePrior, reweighted
from unblur.solvers.wiener import WienerSettings, wiener
from unblur.tensors import Image, Psf, Report


@dataclass(frozen=True, kw_only=True)
class OutlierEmSettings:
    """What a user may set."""

    smoothness: float = 0.0008
    """The λ of the prior, above 0; larger is smoother and calmer, smaller is sharper and noisier."""
    noise: float = 5 / 255
    """Standard deviation of the noise on pixels that the blur explains, above 0; larger drops fewer pixels."""
    inliers: float = 0.9
    """Expected share of pixels that the blur explains, between 0 and 1; smaller drops pixels sooner."""
    exponent: float = 0.8
    """Of the derivatives, above 0 and at most 2; smaller keeps edges harder."""
    rounds: int = 12
    """How often the pixels are judged anew; more is surer, and slower."""
    steps: int = 15
    """Conjugate gradient steps in each round; more is nearer to the minimum, and slower."""

    def __post_init__(self) -> None:
        """Refuse what the iteration cannot bear."""
        if not self.smoothness > 0:
            raise ConfigError(f"smoothness is {self.smoothness}, expected a number above 0, 0.0008 for instance")
        if not self.noise > 0:
            raise ConfigError(f"noise is {self.noise}, expected a number above 0, 0.02 for instance")
        if not 0 < self.inliers < 1:
            raise ConfigError(f"inliers is {self.inliers}, expected a share between 0 and 1, 0.9 for instance")
        if self.rounds < 1 or self.steps < 1:
            raise ConfigError(f"rounds is {self.rounds} and steps {self.steps}, expected 1 or more of each")
        self.prior()

    def prior(self) -> SparsePrior:
        """The penalty that these settings describe.

        Raises:
            ConfigError: a value out of its range.
        """
        return SparsePrior(strength=self.smoothness, exponent=self.exponent)


def inlier_probability(blurred: Image, predicted: Image, settings: OutlierEmSettings) -> Image:
    """E-step: how surely each pixel is the predicted one plus noise, rather than any value between black and white.

    ``P N(y; k ⊗ x, σ) / (P N(y; k ⊗ x, σ) + 1 - P)``, and 0 where the prediction lies outside [0, 1], which no sensor
    records.

    Args:
        blurred: what was recorded.
        predicted: the estimate's blur.
        settings: the noise σ and the share P of inliers.

    Returns:
        In [0, 1], 1 = explained by the blur.
    """
    surprise = ((blurred - predicted) / settings.noise).square() / 2
    scale = math.log(settings.inliers / (1 - settings.inliers) / (settings.noise * math.sqrt(2 * math.pi)))
    recorded = (predicted >= 0) & (predicted <= 1)
    return torch.sigmoid(scale - surprise) * recorded


def outlier_em(
    blurred: Image,
    psf: Psf,
    *,
    weight: Float[Tensor, "#b #c h w"],
    settings: OutlierEmSettings,
    report: Report | None = None,
) -> Image:
    """Alternate between judging the pixels and a sparse deconvolution from those that are explained.

    The judgement is :func:`inlier_probability`; the deconvolution lowers ``Σ w m (x ⊗ k - y)² + λ Σ s_i |g_i ⊗ x|^p``
    with the probabilities m. One round of reweighting in each alternation suffices: any decrease will do for EM.
    The paper's prior strength is this λ divided by 2 σ².

    Args:
        blurred: ``(B, C, H, W)``, circular, black = 0 and white = 1.
        psf: odd sides, sums to 1.
        weight: ``(B|1, C|1, H, W)``, 1 = trust, 0 = ignore.
        settings: the prior, the noise, the share of inliers and the number of iterations.
        report: told the share of the work that is done.

    Returns:
        The estimate, not clipped: lights may exceed 1.

    After Cho, Wang and Lee, Handling outliers in non-blind image deconvolution (2011).
    """
    blur = Blur(psf, (blurred.shape[-2], blurred.shape[-1]))
    prior = settings.prior()
    restored = wiener(blurred, psf, weight=weight.expand_as(blurred), settings=WienerSettings(prior="gradient"))
    for done in range(settings.rounds):
        trust = weight * inlier_probability(blurred, blur(restored), settings)
        restored = reweighted(restored, blurred, blur=blur, weight=trust, prior=prior, steps=settings.steps)
        if report:
            report((done + 1) / settings.rounds)
    return restored
