"""Estimates under a learned sparse prior on gradients, from which the universal network begins.

Half-quadratic splitting (Krishnan and Fergus 2009) on first and second differences. The light that clipping and the
border hid is filled in anew in each round, from the estimate's own blur.
"""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from unblur.fourier import gradient_power, power_of, scaled
from unblur.networks.facts import Facts
from unblur.networks.rounds import SparseRounds, Strengths, damped
from unblur.networks.scratch import Scratch
from unblur.networks.spectrum import Spectrum, Transfer, gradient_power_columns
from unblur.tensors import Report

FIRST_RATIO = 1e-2
"""r of the inverse from which the first round begins."""


def sparse_estimates(facts: Facts, rounds: SparseRounds) -> list[Tensor]:
    """One estimate for each of :data:`PHASES`, on the whole domain: ``(B, C, H, W)`` each."""
    by_plane = [_of_plane(number, facts, rounds) for number in range(facts.picture.shape[1])]
    return [torch.stack(planes, dim=1) for planes in zip(*by_plane, strict=True)]


def _of_plane(number: int, facts: Facts, rounds: SparseRounds) -> list[Tensor]:
    """The estimates of one colour plane, ``(B, H, W)`` each; one after the other they need a third of the memory."""
    transfer = facts.transfer[:, 0]
    gain, back = power_of(transfer), transfer.conj()
    power = gradient_power(facts.size, facts.levels)
    strengths = rounds.strengths(facts.levels, facts.kernels, (facts.inside[0].start, facts.inside[1].start))
    picture, trust, white = (planes[:, number] for planes in (facts.picture, facts.trust, facts.white))

    def filled(spectrum: Tensor) -> Tensor:
        """The photograph where it can be trusted, else the estimate's blur; the brighter of both where it clips."""
        blurred = torch.fft.irfft2(spectrum * transfer, s=facts.size)
        # ``picture`` or the brighter of both, by ``white``; a maximum would need more passes for its gradient.
        return torch.lerp(blurred, picture + white * torch.relu(blurred - picture), trust)

    def guide(step: int, determined: Tensor, tie: Tensor) -> Tensor:
        """The spectrum of what a round's estimate is tied to."""
        if not strengths.wide:
            return torch.fft.rfft2(rounds.guide(step, estimate, strengths))
        correction = torch.fft.rfft2(rounds.correction(step, estimate, strengths))
        return torch.fft.rfft2(rounds.shrunk_guide(step, estimate, strengths)) + damped(determined, tie) * correction

    inverse = back / (gain + FIRST_RATIO * power)
    spectrum = torch.fft.rfft2(picture) * inverse
    spectrum = torch.fft.rfft2(filled(spectrum)) * inverse
    estimate = torch.fft.irfft2(spectrum, s=facts.size)
    found = []
    for phase in rounds.phases:
        for step in phase:
            tie, second = (v[:, step, None, None] for v in (strengths.tie, strengths.second))
            determined = gain + tie * (power + second * power.square())
            wanted = back * torch.fft.rfft2(filled(spectrum)) + scaled(guide(step, determined, tie), tie)
            spectrum = scaled(wanted, 1 / determined)
            estimate = torch.fft.irfft2(spectrum, s=facts.size)
        found.append(estimate)
    return found


def estimates_in_blocks(
    picture: Tensor,
    filled: Callable[[slice, Tensor], Tensor],
    transfer: Transfer,
    rounds: SparseRounds,
    strengths: Strengths,
    scratch: Scratch,
    report: Report | None = None,
) -> Iterator[Tensor]:
    """:func:`sparse_estimates` of one large plane, with no more at once than three arrays of its size.

    Args:
        picture: the extended photograph, ``(H, W)``.
        filled: rows of it and the estimate's blur there to what would have been observed.
        transfer: of the PSF.
        rounds: the learned rounds.
        strengths: of these, for one photograph.
        scratch: where the large arrays lie.
        report: told the share of the work done after each round.

    Yields:
        One estimate ``(H, W)`` for each phase; the next one overwrites it.
    """
    size = (picture.shape[0], picture.shape[1])
    spectrum, passing = (Spectrum(size, picture, scratch) for _ in range(2))
    estimate = scratch.new(size, picture.dtype)
    count = len(rounds.corrections)

    def refill() -> None:
        """What would have been observed, into ``passing``; transformed along the width only."""
        passing.columns(lambda _, columns: torch.fft.ifft(spectrum.values[:, columns] * transfer[columns], dim=0))
        for rows, blurred in passing.written():
            passing.values[rows] = torch.fft.rfft(filled(rows, blurred))

    def show() -> None:
        """The plane of ``spectrum``, into ``estimate``."""
        passing.columns(lambda _, columns: torch.fft.ifft(spectrum.values[:, columns], dim=0))
        for rows, values in passing.written():
            estimate[rows] = values

    def guide(step: int) -> None:
        """What a round's estimate is tied to, into ``spectrum``; transformed along the width only."""
        asked = (step, estimate[None], strengths)
        if not strengths.wide:
            spectrum.read(lambda rows: rounds.guide(*asked, rows)[0])
            return
        spectrum.read(lambda rows: rounds.correction(*asked, rows)[0])
        spectrum.filter(lambda columns: damped(determined(step, columns, transfer[columns]), strengths.tie[0, step]))
        spectrum.read(lambda rows: rounds.shrunk_guide(*asked, rows)[0], add=True)

    def invert(block: Tensor, columns: slice) -> Tensor:
        seen, power = transfer[columns], gradient_power_columns(size, columns, picture)
        return scaled(torch.fft.fft(block, dim=0).mul_(seen.conj()), 1 / (power_of(seen) + FIRST_RATIO * power))

    def determined(step: int, columns: slice, seen: Tensor) -> Tensor:
        """What the spectrum of a round's estimate is divided by."""
        tie, second = strengths.tie[0, step], strengths.second[0, step]
        power = gradient_power_columns(size, columns, picture)
        return power_of(seen) + tie * (power + second * power.square())

    def solve(step: int, guides: Tensor, columns: slice) -> Tensor:
        seen = transfer[columns]
        wanted = torch.fft.fft(passing.values[:, columns], dim=0).mul_(seen.conj())
        wanted.addcmul_(torch.fft.fft(guides, dim=0), strengths.tie[0, step])
        return scaled(wanted, 1 / determined(step, columns, seen))

    spectrum.read(lambda rows: picture[rows])
    spectrum.columns(invert)
    refill()
    spectrum.columns(lambda _, columns: invert(passing.values[:, columns], columns))
    show()
    for phase in rounds.phases:
        for step in phase:
            refill()
            guide(step)
            spectrum.columns(partial(solve, step))
            show()
            if report:
                report((step + 1) / count)
        yield estimate
