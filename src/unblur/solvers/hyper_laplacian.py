"""Fast deconvolution under a hyper-Laplacian prior on gradients: two closed forms in turn."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.differences import difference, difference_adjoint
from unblur.errors import ConfigError
from unblur.fourier import Blur, gradient_power
from unblur.solvers.wiener import WienerSettings, wiener
from unblur.tensors import Image, Psf, Report

_NEWTON_STEPS = 5  # from the worst start, 1e-7 of the root for every exponent (a test)


@dataclass(frozen=True, kw_only=True)
class HyperLaplacianSettings:
    """What a user may set."""

    fidelity: float = 2000.0
    """The λ of the data term, above 0; larger is sharper and noisier, smaller is smoother. 2000 suits noise of 0.01."""
    exponent: float = 2 / 3
    """Of the gradients, above 0 and at most 1; smaller keeps edges harder, 1 is total variation."""
    first_coupling: float = 1.0
    """The β of the first round, above 0; smaller starts smoother."""
    last_coupling: float = 256.0
    """β never exceeds this; larger takes more rounds and comes nearer to the prior as it is written."""
    growth: float = 2 * math.sqrt(2)
    """Factor of β from round to round, above 1; smaller is slower and a little better."""

    def __post_init__(self) -> None:
        """Refuse what the iteration cannot bear."""
        if not self.fidelity > 0:
            raise ConfigError(f"fidelity is {self.fidelity}, expected a number above 0, 2000 for instance")
        if not 0 < self.exponent <= 1:
            raise ConfigError(f"exponent is {self.exponent}, expected a number above 0, at most 1; 0.667 for instance")
        if not 0 < self.first_coupling <= self.last_coupling < math.inf:
            raise ConfigError(
                f"first_coupling is {self.first_coupling} and last_coupling {self.last_coupling}, expected numbers "
                "above 0 in rising order, 1 and 256 for instance"
            )
        if not self.growth > 1:
            raise ConfigError(f"growth is {self.growth}, expected a number above 1, 2.83 for instance")

    def couplings(self) -> list[float]:
        """Every round's β, rising."""
        # The margin lets 256 = (2 √2)^(16/3) · 1 and the like be reached in spite of rounding.
        rounds = math.floor(math.log(self.last_coupling / self.first_coupling) / math.log(self.growth) + 1e-9)
        return [self.first_coupling * self.growth**index for index in range(rounds + 1)]


def shrunk(gradient: Tensor, coupling: float, exponent: float) -> Tensor:
    """The w that minimises ``|w|^α + β/2 (w - v)²`` for every value v.

    Small values go to exactly 0. Above the threshold the root of ``w - v + α/β w^(α-1)`` is found by Newton steps from
    v, which come down on it without passing it, for the function is convex there.

    Args:
        gradient: the v of the formula, any shape and sign.
        coupling: β, above 0; larger stays nearer to v.
        exponent: α, above 0 and at most 1.
    """
    smallest = (2 * (1 - exponent) / coupling) ** (1 / (2 - exponent))  # the least w that beats 0
    pull = exponent / coupling
    threshold = smallest + pull * smallest ** (exponent - 1)
    size = gradient.abs()
    start = size.clamp_min(threshold)
    w = start
    for _ in range(_NEWTON_STEPS if exponent < 1 else 1):
        bend = pull * w ** (exponent - 2)
        w = w - (w - start + bend * w) / (1 - (1 - exponent) * bend)
        w = w.clamp_min(smallest)
    return torch.where(size > threshold, torch.copysign(w, gradient), torch.zeros_like(w))


def hyper_laplacian(
    blurred: Image,
    psf: Psf,
    *,
    weight: Float[Tensor, "#b #c h w"],
    settings: HyperLaplacianSettings,
    report: Report | None = None,
) -> Image:
    """Minimise ``λ/2 |x ⊗ k - y|² + Σ |∇x|^α`` by half-quadratic splitting.

    The gradients get a copy w of their own, tied to them by ``β/2 |∇x - w|²``. For rising β, w follows from x pixel by
    pixel (:func:`shrunk`), and x from w in closed form:
    ``F⁻¹((conj(F(k)) F(y) + β/λ conj(F(∇)) F(w)) / (|F(k)|² + β/λ |F(∇)|²))``. That form knows no weight, so ignored
    pixels are replaced by the estimate's own blur before each round.

    Args:
        blurred: ``(B, C, H, W)``, circular.
        psf: odd sides, sums to 1.
        weight: ``(B|1, C|1, H, W)``, 1 = trust; 0 = replaced by the estimate's blur.
        settings: fidelity, exponent and the couplings.
        report: told the share of the work that is done.

    Returns:
        The estimate, not clipped.

    After Krishnan and Fergus, Fast image deconvolution using hyper-Laplacian priors (2009).
    """
    blur = Blur(psf, (blurred.shape[-2], blurred.shape[-1]))
    power = gradient_power(blur.size, blurred)
    restored = wiener(blurred, psf, weight=weight.expand_as(blurred), settings=WienerSettings(prior="gradient"))
    couplings = settings.couplings()
    for done, coupling in enumerate(couplings):
        filled = torch.lerp(blur(restored), blurred, weight.expand_as(blurred))
        guide = image_from_gradients(
            shrunk(difference(restored, -1), coupling, settings.exponent),
            shrunk(difference(restored, -2), coupling, settings.exponent),
        )
        tie = coupling / settings.fidelity
        spectrum = blur.otf.conj() * torch.fft.rfft2(filled) + tie * torch.fft.rfft2(guide)
        restored = torch.fft.irfft2(spectrum / (blur.otf.abs().square() + tie * power), s=blur.size)
        if report:
            report((done + 1) / len(couplings))
    return restored


def image_from_gradients(dx: Tensor, dy: Tensor) -> Tensor:
    """The transposed gradient of a field: two pictures to one."""
    return difference_adjoint(dx, -1) + difference_adjoint(dy, -2)
