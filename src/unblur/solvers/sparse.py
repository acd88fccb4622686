"""Deconvolution under a sparse prior on derivatives: few edges, and those sharp."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.solvers.irls import SparsePrior, reweighted
from unblur.solvers.wiener import WienerSettings, wiener
from unblur.tensors import Image, Psf, Report


@dataclass(frozen=True, kw_only=True)
class SparseSettings:
    """What a user may set."""

    smoothness: float = 0.0008
    """The λ of the prior, above 0; larger is smoother and calmer, smaller is sharper and noisier."""
    exponent: float = 0.8
    """Of the derivatives, above 0 and at most 2; smaller keeps edges harder, 2 is the quadratic prior."""
    second_order: float = 0.25
    """Share of the second derivatives, 0 or more; larger prefers ramps to steps."""
    threshold: float = 0.01
    """Derivatives under this, on the [0, 1] scale, count as noise; above 0; larger flattens less."""
    rounds: int = 5
    """How often the quadratic approximation of the prior is renewed; more is nearer to the minimum, and slower."""
    steps: int = 10
    """Conjugate gradient steps in each round; more is nearer to the minimum, and slower."""

    def __post_init__(self) -> None:
        """Refuse what the iteration cannot bear."""
        if not self.smoothness > 0:
            raise ConfigError(f"smoothness is {self.smoothness}, expected a number above 0, 0.0008 for instance")
        if self.rounds < 1 or self.steps < 1:
            raise ConfigError(f"rounds is {self.rounds} and steps {self.steps}, expected 1 or more of each")
        self.prior()

    def prior(self) -> SparsePrior:
        """The penalty that these settings describe.

        Raises:
            ConfigError: a value out of its range.
        """
        return SparsePrior(
            strength=self.smoothness,
            exponent=self.exponent,
            second_order=self.second_order,
            threshold=self.threshold,
        )


def sparse(
    blurred: Image,
    psf: Psf,
    *,
    weight: Float[Tensor, "#b #c h w"],
    settings: SparseSettings,
    report: Report | None = None,
) -> Image:
    """Minimise ``Σ w (x ⊗ k - y)² + λ Σ s_i |g_i ⊗ x|^p`` over first and second derivatives g_i, with p = 0.8.

    Solved by reweighting: each round replaces ``|t|^p`` by a parabola that touches it at the present estimate, and
    takes conjugate gradient steps on the quadratic problem. It starts from the quadratic prior's answer.

    Args:
        blurred: ``(B, C, H, W)``, circular.
        psf: odd sides, sums to 1.
        weight: ``(B|1, C|1, H, W)``, 1 = trust, 0 = ignore.
        settings: the prior and the number of iterations.
        report: told the share of the work that is done.

    Returns:
        The estimate, not clipped.

    After Levin, Fergus, Durand and Freeman, Image and depth from a conventional camera with a coded aperture (2007).
    """
    blur = Blur(psf, (blurred.shape[-2], blurred.shape[-1]))
    prior = settings.prior()
    restored = wiener(blurred, psf, weight=weight.expand_as(blurred), settings=WienerSettings(prior="gradient"))
    for done in range(settings.rounds):
        restored = reweighted(restored, blurred, blur=blur, weight=weight, prior=prior, steps=settings.steps)
        if report:
            report((done + 1) / settings.rounds)
    return restored
