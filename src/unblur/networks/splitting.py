"""Estimates under a sparse prior on gradients, from which the universal network begins.

Half-quadratic splitting (Krishnan and Fergus 2009) on first and second differences. The light that clipping and the
border hid is filled in anew in each round, from the estimate's own blur.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from unblur.differences import derivatives, derivatives_adjoint
from unblur.fourier import gradient_power
from unblur.networks.facts import Facts

NOISE_SLOPE = -1.2
"""Change of ln λ with the noise level, chosen on validation pictures at noises of 0.002 to 0.05."""
FIRST_RATIO = 1e-2
"""r of the inverse from which the first round begins."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Rounds with the same prior; the next phase goes on from their result."""

    fidelity: float
    """λ of the data term at a noise level of 0."""
    couplings: tuple[float, ...]
    """The β of each round."""
    threshold: float
    """Differences below this times ``β^(-2/3)`` count as none."""
    second: float
    """Weight of the second differences against the first."""


PHASES = (
    Phase(fidelity=3500.0, couplings=tuple(4 * 2.8**n for n in range(6)), threshold=0.45, second=0.5),
    Phase(fidelity=2500.0, couplings=tuple(64.0 * 2**n for n in range(5)), threshold=0.6, second=0.1),
)
"""Chosen on validation pictures: the first is the better one for disks, the second for camera shake."""


@torch.no_grad()
def sparse_estimates(facts: Facts) -> list[Tensor]:
    """One estimate for each of :data:`PHASES`, on the whole domain: ``(B, C, H, W)`` each; no gradient passes."""
    by_plane = [_of_plane(number, facts) for number in range(facts.picture.shape[1])]
    return [torch.stack(planes, dim=1) for planes in zip(*by_plane, strict=True)]


def _of_plane(number: int, facts: Facts) -> list[Tensor]:
    """The estimates of one colour plane, ``(B, H, W)`` each; one after the other they need a third of the memory."""
    transfer = facts.transfer[:, 0]
    gain, back = transfer.abs().square(), transfer.conj()
    power = gradient_power(facts.size, facts.levels)
    level = facts.levels.amax(dim=1)[:, None, None]
    picture, trust, white = (planes[:, number] for planes in (facts.picture, facts.trust, facts.white))

    def filled(spectrum: Tensor) -> Tensor:
        """The photograph where it can be trusted, else the estimate's blur; the brighter of both where it clips."""
        blurred = torch.fft.irfft2(spectrum * transfer, s=facts.size)
        return torch.lerp(blurred, torch.lerp(picture, torch.maximum(picture, blurred), white), trust)

    inverse = back / (gain + FIRST_RATIO * power)
    spectrum = torch.fft.rfft2(picture) * inverse
    spectrum = torch.fft.rfft2(filled(spectrum)) * inverse
    estimate = torch.fft.irfft2(spectrum, s=facts.size)
    found = []
    for phase in PHASES:
        prior = power + phase.second * power.square()
        fidelity = phase.fidelity * (NOISE_SLOPE * level).exp()
        for coupling in phase.couplings:
            tie = coupling / fidelity
            guide = _guide(estimate, phase.threshold * coupling ** (-2 / 3), phase.second)
            wanted = back * torch.fft.rfft2(filled(spectrum)) + tie * torch.fft.rfft2(guide)
            spectrum = wanted / (gain + tie * prior)
            estimate = torch.fft.irfft2(spectrum, s=facts.size)
        found.append(estimate)
    return found


def _guide(estimate: Tensor, threshold: float, second: float) -> Tensor:
    """``Σ Gᵀ w`` over first and second differences G, w the shrunk differences of the estimate."""
    dx, dy, dxx, dyy, dxy = (shrunk(values, threshold) for values in derivatives(estimate))
    return derivatives_adjoint(dx, dy, second * dxx, second * dyy, 2 * second * dxy)


def shrunk(values: Tensor, threshold: float) -> Tensor:
    """``v max(0, 1 - (t / |v|)^1.5)``: 0 up to the threshold, large values nearly unchanged (Chartrand's p = 1/2)."""
    share = threshold / values.abs().clamp_min(threshold)
    return values * (1 - share * share.sqrt())
