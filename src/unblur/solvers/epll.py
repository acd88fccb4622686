"""Expected patch log likelihood: a Gaussian mixture that knows how 8 × 8 patches of photographs look."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from jaxtyping import Float
from torch import Tensor

from unblur.errors import ConfigError, WeightsError
from unblur.fourier import Blur
from unblur.solvers.epll_judge import Judge
from unblur.solvers.wiener import WienerSettings, wiener
from unblur.tensors import Image, Psf, Report

_BAND = 65536  # patches held at once


@dataclass(frozen=True, kw_only=True)
class EpllSettings:
    """What a user may set."""

    noise: float = 0.01
    """Standard deviation of the photograph's noise, above 0; larger is smoother, smaller is sharper and noisier."""
    first_coupling: float = 50.0
    """The β of the first round, above 0; smaller starts smoother. The authors' 50."""
    growth: float = 2.0
    """Factor of β from round to round, above 1; smaller is a little better with more rounds. The authors' 2."""
    rounds: int = 7
    """How often the patches are cleaned; more is nearer to the prior as it is written, and slower. The authors' 7."""

    def __post_init__(self) -> None:
        """Refuse what the iteration cannot bear."""
        for name in ("noise", "first_coupling"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected a number above 0")
        if not 1 < self.growth < math.inf:
            raise ConfigError(f"growth is {self.growth}, expected a number above 1, 2 for instance")
        if self.rounds < 1:
            raise ConfigError(f"rounds is {self.rounds}, expected 1 or more")


@dataclass(frozen=True, kw_only=True)
class PatchPrior:
    """A mixture of Gaussians about zero for square patches whose mean has been taken out."""

    shares: Float[Tensor, " k"]
    """How often each component is met; they sum to 1."""
    covariances: Float[Tensor, "k d d"]
    """Positive definite, d = side². What they say of a patch's mean is never asked."""

    @property
    def side(self) -> int:
        """Side of the patches in pixels."""
        return math.isqrt(self.covariances.shape[-1])

    @cached_property
    def spectra(self) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k d d"]]:
        """Eigenvalues and eigenvectors of the covariances without the mean's part, in float64."""
        covariances = self.covariances.double()
        size = covariances.shape[-1]
        without_mean = torch.eye(size).to(covariances) - 1 / size
        values, vectors = torch.linalg.eigh(without_mean @ covariances @ without_mean)
        return values.clamp_min(0), vectors

    def tensors(self) -> dict[str, Tensor]:
        """What is stored: Cholesky factors as half-precision triangles, 0.8 MB for 200 components of 8 × 8.

        Rounding a factor keeps the product positive, and its small eigenvalues right to 1e-6 of the largest; a rounded
        covariance would have negative ones.
        """
        factors = torch.linalg.cholesky(self.covariances.double().cpu())
        rows, columns = torch.tril_indices(*factors.shape[-2:])
        return {"shares": self.shares.float().cpu(), "factors": factors[:, rows, columns].half()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> "PatchPrior":
        """Read what :meth:`tensors` gave, in float64.

        Raises:
            WeightsError: tensors are missing or do not belong together.
        """
        try:
            shares, triangles = tensors["shares"].double(), tensors["factors"].double()
            size = (math.isqrt(8 * triangles.shape[1] + 1) - 1) // 2
            factors = triangles.new_zeros(len(shares), size, size)
            rows, columns = torch.tril_indices(size, size)
            factors[:, rows, columns] = triangles
        except (KeyError, IndexError, RuntimeError) as error:
            raise WeightsError(f"this is no patch prior ({error}); train it again") from None
        if math.isqrt(size) ** 2 != size:
            raise WeightsError(f"this patch prior has {size} dimensions, expected a square number; train it again")
        return cls(shares=shares / shares.sum(), covariances=factors @ factors.mT)


class PatchCleaner:
    """Cleans patches under white noise: the likeliest component judges, its Wiener filter cleans.

    Args:
        prior: what clean patches look like.
        variance: of the noise in the patches, above 0.
        like: a tensor whose dtype and device the work is done in.
    """

    def __init__(self, prior: PatchPrior, variance: float, like: Tensor) -> None:
        values, vectors = prior.spectra
        gains = (vectors * (values / (values + variance))[:, None, :]) @ vectors.mT
        self.gains = gains.to(like)
        self.judge = Judge(prior.shares.double(), values, vectors, variance, like)

    def __call__(self, patches: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The likeliest clean patches; their means stay as they are."""
        mean = patches.mean(dim=1, keepdim=True)
        patches = patches - mean
        chosen = self.judge(patches)
        order = chosen.argsort()
        counts = torch.bincount(chosen, minlength=len(self.gains)).tolist()
        cleaned = torch.empty_like(patches)
        for rows, gain in zip(order.split(counts), self.gains, strict=True):
            if len(rows):
                cleaned[rows] = patches[rows] @ gain
        return cleaned + mean


def averaged(image: Image, side: int, clean: PatchCleaner, report: Report | None = None) -> Image:
    """Clean every patch of a circular picture and average what overlaps.

    Args:
        image: ``(B, C, H, W)``, circular.
        side: of the patches, in pixels.
        clean: from patches ``(N, side²)`` to patches.
        report: told the share of the patches that is done.
    """
    b, c, h, w = image.shape
    rows = torch.arange(h + side - 1, device=image.device) % h
    columns = torch.arange(w + side - 1, device=image.device) % w
    padded = image.reshape(b * c, 1, h, w).index_select(-2, rows).index_select(-1, columns)
    total = torch.zeros_like(padded)
    band = max(1, _BAND // (b * c * w))
    for top in range(0, h, band):
        height = min(band, h - top) + side - 1
        here = slice(top, top + height)
        windows = F.unfold(padded[..., here, :], side).transpose(1, 2)
        cleaned = clean(windows.flatten(0, 1)).reshape_as(windows).transpose(1, 2)
        total[..., here, :] += F.fold(cleaned, (height, w + side - 1), side)
        if report:
            report((top + height - side + 1) / h)
    wrapped = total.new_zeros(b * c, 1, h, total.shape[-1]).index_add_(-2, rows, total)
    wrapped = total.new_zeros(b * c, 1, h, w).index_add_(-1, columns, wrapped)
    return wrapped.reshape(b, c, h, w) / side**2


def epll(
    blurred: Image,
    psf: Psf,
    *,
    weight: Float[Tensor, "#b #c h w"],
    prior: PatchPrior,
    settings: EpllSettings,
    report: Report | None = None,
) -> Image:
    """Minimise ``d/2σ² |x ⊗ k - y|² - Σ_i log p(P_i x)`` over all patches, by half-quadratic splitting.

    Each patch gets a copy of its own, tied to it by ``β/2 |P_i x - z_i|²``. For rising β, the copies are the patches
    cleaned of noise of variance 1/β, and x follows from the average z̄ of the copies in closed form:
    ``F⁻¹((conj(F(k)) F(y) + β σ² F(z̄)) / (|F(k)|² + β σ²))``. That form knows no weight, so ignored pixels are
    replaced by the estimate's own blur before each round, by that of a Wiener estimate before the first.

    Args:
        blurred: ``(B, C, H, W)``, circular.
        psf: odd sides, sums to 1.
        weight: ``(B|1, C|1, H, W)``, 1 = trust; 0 = replaced by the estimate's blur.
        prior: of the patches, d pixels each.
        settings: noise and the schedule of β.
        report: told the share of the work that is done.

    Returns:
        The estimate, not clipped.

    After Zoran and Weiss, From learning models of natural image patches to whole image restoration (2011).
    """
    blur = Blur(psf, (blurred.shape[-2], blurred.shape[-1]))
    trust = weight.expand_as(blurred)
    guess = wiener(blurred, psf, weight=trust, settings=WienerSettings(prior="gradient"))
    filled = torch.lerp(blur(guess), blurred, trust)
    restored = filled  # the authors begin with the blurred picture too
    for done in range(settings.rounds):
        coupling = settings.first_coupling * settings.growth**done
        cleaner = PatchCleaner(prior, 1 / coupling, blurred)
        average = averaged(restored, prior.side, cleaner, _part(report, done, settings.rounds))
        if done:
            filled = torch.lerp(blur(restored), blurred, trust)
        tie = coupling * settings.noise**2
        spectrum = blur.otf.conj() * torch.fft.rfft2(filled) + tie * torch.fft.rfft2(average)
        restored = torch.fft.irfft2(spectrum / (blur.otf.abs().square() + tie), s=blur.size)
    return restored


def _part(report: Report | None, done: int, rounds: int) -> Callable[[float], None] | None:
    """A report of one round's share as a share of the whole."""
    return None if report is None else lambda share: report((done + share) / rounds)
