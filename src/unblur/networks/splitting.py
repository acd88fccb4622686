"""Estimates under a sparse prior on gradients, from which the universal network begins.

Half-quadratic splitting (Krishnan and Fergus 2009) on first and second differences. The light that clipping and the
border hid is filled in anew in each round, from the estimate's own blur.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from unblur.differences import derivatives, derivatives_adjoint
from unblur.fourier import gradient_power
from unblur.networks.facts import Facts
from unblur.networks.scratch import Scratch
from unblur.networks.spectrum import Spectrum, Transfer, gradient_power_columns
from unblur.tensors import Report

NOISE_SLOPE = -1.2
"""Change of ln λ with the noise level, chosen on validation pictures at noises of 0.002 to 0.05."""
FIRST_RATIO = 1e-2
"""r of the inverse from which the first round begins."""
REACH = 2
"""A pixel of the guide depends on the estimate up to so many pixels away."""


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

    def tie(self, coupling: float, level: Tensor) -> Tensor:
        """How strongly an estimate is tied to its guide, β / λ, at a noise level."""
        return coupling / (self.fidelity * (NOISE_SLOPE * level).exp())

    def guide(self, estimate: Tensor, coupling: float) -> Tensor:
        """``Σ Gᵀ w`` over first and second differences G, w the shrunk differences of an estimate."""
        threshold = self.threshold * coupling ** (-2 / 3)
        dx, dy, dxx, dyy, dxy = (shrunk(values, threshold) for values in derivatives(estimate))
        return derivatives_adjoint(dx, dy, self.second * dxx, self.second * dyy, 2 * self.second * dxy)


PHASES = (
    Phase(fidelity=3500.0, couplings=tuple(4 * 2.8**n for n in range(6)), threshold=0.45, second=0.5),
    Phase(fidelity=2500.0, couplings=tuple(64.0 * 2**n for n in range(5)), threshold=0.6, second=0.1),
)
"""Chosen on validation pictures: the first is the better one for disks, the second for camera shake."""


def sparse_estimates(facts: Facts) -> list[Tensor]:
    """One estimate for each of :data:`PHASES`, on the whole domain: ``(B, C, H, W)`` each."""
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
        for coupling in phase.couplings:
            tie, guide = phase.tie(coupling, level), phase.guide(estimate, coupling)
            wanted = back * torch.fft.rfft2(filled(spectrum)) + tie * torch.fft.rfft2(guide)
            spectrum = wanted / (gain + tie * prior)
            estimate = torch.fft.irfft2(spectrum, s=facts.size)
        found.append(estimate)
    return found


def estimates_in_blocks(
    picture: Tensor,
    filled: Callable[[slice, Tensor], Tensor],
    transfer: Transfer,
    level: Tensor,
    scratch: Scratch,
    report: Report | None = None,
) -> Iterator[Tensor]:
    """:func:`sparse_estimates` of one large plane, with no more at once than three arrays of its size.

    Args:
        picture: the extended photograph, ``(H, W)``.
        filled: rows of it and the estimate's blur there to what would have been observed.
        transfer: of the PSF.
        level: of the noise, one number.
        scratch: where the large arrays lie.
        report: told the share of the work done after each round.

    Yields:
        One estimate ``(H, W)`` for each phase; the next one overwrites it.
    """
    size = (picture.shape[0], picture.shape[1])
    spectrum, passing = (Spectrum(size, picture, scratch) for _ in range(2))
    estimate = scratch.new(size, picture.dtype)
    rounds, done = sum(len(phase.couplings) for phase in PHASES), 0

    def refill() -> None:
        """What would have been observed, into ``passing``; transformed along the width only."""
        passing.columns(lambda _, columns: torch.fft.ifft(spectrum.values[:, columns] * transfer[columns], dim=0))
        for rows, blurred in passing.written():
            passing.values[rows] = torch.fft.rfft(filled(rows, blurred))
        scratch.settle()

    def show() -> None:
        """The plane of ``spectrum``, into ``estimate``."""
        passing.columns(lambda _, columns: torch.fft.ifft(spectrum.values[:, columns], dim=0))
        for rows, values in passing.written():
            estimate[rows] = values
        scratch.settle()

    def invert(block: Tensor, columns: slice) -> Tensor:
        seen, power = transfer[columns], gradient_power_columns(size, columns, picture)
        return torch.fft.fft(block, dim=0) * seen.conj() / (seen.abs().square() + FIRST_RATIO * power)

    def guide(phase: Phase, coupling: float, rows: slice) -> Tensor:
        near = torch.arange(rows.start - REACH, rows.stop + REACH, device=picture.device) % size[0]
        return phase.guide(estimate[near], coupling)[REACH:-REACH]

    def solve(phase: Phase, tie: Tensor, guides: Tensor, columns: slice) -> Tensor:
        seen, power = transfer[columns], gradient_power_columns(size, columns, picture)
        wanted = torch.fft.fft(guides, dim=0) * tie
        wanted += seen.conj() * torch.fft.fft(passing.values[:, columns], dim=0)
        return wanted / (seen.abs().square() + tie * (power + phase.second * power.square()))

    spectrum.read(lambda rows: picture[rows])
    spectrum.columns(invert)
    refill()
    spectrum.columns(lambda _, columns: invert(passing.values[:, columns], columns))
    show()
    for phase in PHASES:
        for coupling in phase.couplings:
            refill()
            spectrum.read(partial(guide, phase, coupling))
            scratch.settle()
            spectrum.columns(partial(solve, phase, phase.tie(coupling, level)))
            show()
            done += 1
            if report:
                report(done / rounds)
        yield estimate


def shrunk(values: Tensor, threshold: float) -> Tensor:
    """``v max(0, 1 - (t / |v|)^1.5)``: 0 up to the threshold, large values nearly unchanged (Chartrand's p = 1/2)."""
    share = threshold / values.abs().clamp_min(threshold)
    return values * (1 - share * share.sqrt())
