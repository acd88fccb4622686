"""The universal network on one large photograph: the same numbers as in training, in a fraction of the memory.

An inverse with little regularisation rings over the whole picture, so the picture is never cut where it is inverted.
What is cut is what may be: transforms go over one colour plane in blocks, and the inverses are made for a strip of
rows at a time, in which the U-Nets, whose reach ends, work piece by piece.
"""

from collections.abc import Sequence
from functools import partial
from itertools import product

import torch
from torch import Tensor

from unblur.boundary import Arc, domain, extended_rows
from unblur.fourier import power_of, scaled
from unblur.networks.bank import Bank
from unblur.networks.facts import room_for
from unblur.networks.light import BRIGHTEST
from unblur.networks.photograph import Photograph, Surrounded, overlap
from unblur.networks.rounds import PHASES, SparseRounds, Strengths
from unblur.networks.scratch import Scratch
from unblur.networks.sight import cut, sights
from unblur.networks.spectrum import Spectrum, Transfer, gradient_power_columns, row_blocks
from unblur.networks.splitting import estimates_in_blocks
from unblur.networks.stage import Planes, Stage
from unblur.tensors import Report

PIECE = (384, 512)
"""Largest height and width of what the U-Nets see at once, their reach not counted."""
STRIP = 3_000_000
"""Pixels for which the inverses are held together, about; but no strip is lower than a piece."""
EXACT = 4_000_000
"""Up to so many pixels all is held in full precision; beyond, what is looked at or mixed, but not inverted, in half."""
BYTES, SPARSE_BYTES = 13, 4
"""Held for each value of a photograph over all steps, about, in float32; and for its sparse estimates."""
IN_MEMORY = 1_000_000_000
"""Up to so many bytes are held in memory, beyond that in a file."""
SPARSE_SHARE = 0.33
"""Of the time, about, that the sparse estimates take."""


class Whole:
    """One photograph on its way through the network.

    Args:
        picture: ``(C, H, W)`` in the light of the blur, or integers.
        psf: ``(kh, kw)``, odd sides, in the precision to compute in.
        weight: ``(1|C, H, W)``, 1 = trust, 0 = ignore.
        levels: its noise, ``(1, 3)``.
        table: the light of every integer in each plane, ``(C, n)``.
        stages: the steps.
        place: of the picture along height and width, if it is a piece of an extended photograph.
        rounds: of the estimates under a sparse prior, if the network begins with these.
        report: told the share of the work done; may raise ``Cancelled``.
    """

    def __init__(
        self,
        picture: Tensor,
        psf: Tensor,
        weight: Tensor | None,
        levels: Tensor,
        table: Tensor | None,
        stages: Sequence[Stage],
        *,
        place: tuple[Arc, Arc] | None = None,
        rounds: SparseRounds | None,
        report: Report | None,
    ) -> None:
        room = room_for(psf)
        needed = (BYTES + SPARSE_BYTES * bool(rounds)) * picture.numel() * psf.dtype.itemsize // 4
        self.scratch = Scratch(psf.device, in_file=needed > IN_MEMORY and psf.device.type == "cpu")
        self.levels, self.stages, self.report = levels, stages, report
        photograph = Photograph(picture, weight, table)
        if weight is not None and place is None:
            photograph.fill(room, self.scratch.new(picture.shape, psf.dtype))
        size = (picture.shape[-2], picture.shape[-1])
        circular = (False, False) if place is None else (place[0].circular, place[1].circular)
        self.size, self.inside = domain(size, room, circular=circular)
        self.latent = self.scratch.new((len(picture), *self.size), psf.dtype)
        """On the whole domain: the extended photograph, then each step's estimate of the scene."""
        for number, plane in enumerate(self.latent):
            for rows in row_blocks(self.size):
                plane[rows] = extended_rows(partial(photograph.light, number), size, room, rows, circular=circular)
            self.scratch.settle()
        self.sight = sights(place, self.inside, self.size, [stage.reach for stage in stages], tuple(psf.shape))
        self.region = (self.sight[0].region, self.sight[1].region)
        self.photograph = Surrounded(photograph, self.inside, self.region, self.latent)
        height, width = (part.stop - part.start for part in self.region)
        large = (height * width if place is None else self.latent[0].numel()) > EXACT
        held = torch.float16 if psf.dtype == torch.float32 and large else psf.dtype
        self.transfer = Transfer(psf, self.size)
        self.doubt = self.scratch.new((len(picture), height, width), held)
        self._find_doubt()
        self.sparse = [self.scratch.new(self.latent.shape, held) for _ in range(len(PHASES) if rounds else 0)]
        if rounds:
            strengths = rounds.strengths(levels, psf, (self.sight[0].origin, self.sight[1].origin))
            for number in range(len(picture)):
                self._find_sparse(number, rounds, strengths)
        self.observed = self.scratch.new((len(picture), height, width), held)
        self.spectra = [Spectrum(self.size, psf, self.scratch) for _ in picture]
        self.power = self.scratch.new(self.spectra[0].values.shape, psf.dtype)
        for columns in self.spectra[0].column_blocks():
            self.power[:, columns] = power_of(self.transfer[columns])

    def restored(self) -> Tensor:
        """The estimate of the unclipped scene after all steps, ``(C, H, W)``."""
        report = portion(self.report, SPARSE_SHARE if self.sparse else 0.0, 1.0)
        for number in range(len(self.stages)):
            for plane in range(len(self.latent)):
                self._compare(plane, known=self._knows(number))
            strips = self.sight[0].pieces(number, max(PIECE[0], STRIP // self.observed.shape[2]))
            above, seen = None, self.latent[:, self.region[0], self.region[1]]
            for done, (strip, around) in enumerate(strips):
                if above is None or strip.start != strips[done - 1][0].stop:
                    above = seen[:, max(around.start, strip.start - self.stages[number].reach) : strip.start]
                above = self._improve(number, strip, around, above)
                self.scratch.settle()
                if report:
                    report((number + (done + 1) / len(strips)) / len(self.stages))
            if number + 1 < len(self.stages):
                for plane in range(len(self.latent)):
                    self._continue_outside(plane, number)
        return self.latent[:, self.inside[0], self.inside[1]]

    def _knows(self, number: int) -> bool:
        """Whether a step goes on from an estimate of the scene, not from the photograph itself."""
        return number > 0 or bool(self.sparse)

    def _find_sparse(self, number: int, rounds: SparseRounds, strengths: Strengths) -> None:
        """One plane's estimates under a sparse prior, before there is much else that is large; the last one stays."""
        room = Scratch(self.latent.device, in_file=self.scratch.in_file, beside=self.scratch)
        start, stop = (SPARSE_SHARE * part / len(self.latent) for part in (number, number + 1))
        filled, report = partial(self.photograph.observed, number), portion(self.report, start, stop)
        found = estimates_in_blocks(self.latent[number], filled, self.transfer, rounds, strengths, room, report)
        for kept, estimate in zip(self.sparse, found, strict=True):
            kept[number] = estimate
            self.scratch.settle()
        self.latent[number] = estimate.clamp_max_(BRIGHTEST)

    def _find_doubt(self) -> None:
        """How much of a pixel's light fell where the photograph is clipped, ignored or ends."""
        room = Scratch(self.latent.device, in_file=self.scratch.in_file, beside=self.scratch)
        spectrum = Spectrum(self.size, self.latent, room)
        for number, plane in enumerate(self.latent):
            spectrum.read(partial(self.photograph.unsure, number, plane))
            spectrum.filter(lambda columns: self.transfer[columns].conj())
            for rows, values in spectrum.written():
                self._keep(self.doubt[number], rows, values)

    def _compare(self, number: int, *, known: bool) -> None:
        """Set one plane of what would have been observed, and the spectrum of what is unexplained, half inverted."""
        latent, spectrum = self.latent[number], self.spectra[number]
        spectrum.read(lambda rows: latent[rows])
        if known:
            spectrum.filter(lambda columns: self.transfer[columns])
            for rows, blurred in spectrum.written():
                observed = self.photograph.observed(number, rows, blurred)
                self._keep(self.observed[number], rows, observed)
                spectrum.values[rows] = torch.fft.rfft(observed - blurred)
        else:
            self.observed[number] = latent[self.region[0], self.region[1]]
        spectrum.columns(lambda block, columns: torch.fft.fft(block, dim=0) * self.transfer[columns].conj())

    def _keep(self, plane: Tensor, rows: slice, values: Tensor) -> None:
        """Put rows of the domain into a plane that covers the region."""
        mine, theirs = overlap(rows, self.region[0])
        plane[theirs] = values[mine, self.region[1]]

    def _improve(self, number: int, strip: slice, around: slice, above: Tensor) -> Tensor:
        """Put a better estimate into a strip of rows, ``around`` which the U-Net sees what it sees at all.

        ``above`` are the last estimate's rows above the strip, as far as the U-Net reaches: they are overwritten
        already. The same for the next strip comes back.
        """
        stage, (top, bottom) = self.stages[number], (strip.start, strip.stop)
        first, last = top - above.shape[1], min(around.stop, bottom + stage.reach)
        old = self.latent[:, self.region[0].start + top : self.region[0].start + last, self.region[1]]
        inverses = self._inverses(slice(first, last), stage.bank)[None]
        members, features = inverses.split([stage.bank.members, inverses.shape[2] - stage.bank.members], dim=2)
        sparse = [estimate[:, self.region[0], self.region[1]] for estimate in self.sparse]
        judged = old[:, : bottom - top].clone()
        for rows, (columns, seen) in product(cut(strip, PIECE[0]), self.sight[1].pieces(number, PIECE[1])):
            here = slice(max(first, rows.start - stage.reach), min(last, rows.stop + stage.reach))
            x = slice(max(seen.start, columns.start - stage.reach), min(seen.stop, columns.stop + stage.reach))
            y = slice(here.start - first, here.stop - first)
            known_rows = slice(max(0, here.start - top), here.stop - top)
            before = torch.cat([above[:, y, x], old[:, known_rows, x]], dim=1)[None]
            planes = Planes(
                before,
                members[..., y, x].to(before),
                before if self._knows(number) else None,
                tuple(estimate[None, :, here, x].to(before) for estimate in sparse),
                features[..., y, x].to(before),
                self.observed[None, :, here, x].to(before),
                self.photograph.white(here, x, before)[None],
                self.doubt[None, :, here, x].to(before),
            )
            answer = stage.judged(planes)[0][:, rows.start - here.start : rows.stop - here.start]
            answer = answer[..., columns.start - x.start : columns.stop - x.start]
            judged[:, rows.start - top : rows.stop - top, columns] = answer
        below = torch.cat([above, old[:, : bottom - top][:, -stage.reach :]], dim=1)[:, -stage.reach :]
        old[:, : bottom - top] = judged
        return below

    def _inverses(self, rows: slice, bank: Bank) -> Tensor:
        """All inverses of the misfit on rows of the region, ``(C, n, rows, W)``."""
        strengths, start = bank.strengths(self.levels)[0], self.region[0].start
        kept = slice(start + rows.start, start + rows.stop)
        shape = (len(self.latent), len(strengths), rows.stop - rows.start, self.observed.shape[2])
        found = self.observed.new_empty(shape)
        seen = [Transfer(kernel, self.size) for kernel in bank.filters]
        for number, spectrum in enumerate(self.spectra):
            band = spectrum.values.new_empty(rows.stop - rows.start, spectrum.values.shape[1])
            for member, strength in enumerate(strengths):
                for columns in spectrum.column_blocks():
                    inverse = scaled(spectrum.values[:, columns], 1 / self._damped(strength, columns))
                    if member >= bank.members:
                        inverse *= seen[member - bank.members][columns]
                    band[:, columns] = torch.fft.ifft(inverse, dim=0)[kept]
                found[number, member] = torch.fft.irfft(band, n=self.size[1])[:, self.region[1]]
            self.scratch.settle()
        return found

    def _damped(self, strength: Tensor, columns: slice) -> Tensor:
        """What the spectrum is divided by: the PSF's power and the regularisation ``r |G|²``."""
        return self.power[:, columns] + strength * gradient_power_columns(self.size, columns, self.power)

    def _continue_outside(self, plane: int, number: int) -> None:
        """Where the U-Nets do not judge, the estimate is the usual mixture of the inverses and sparse estimates."""
        stage, known = self.stages[number], self._knows(number)
        strengths = stage.bank.strengths(self.levels)[0]
        spectrum, near = self.spectra[plane], stage.usual[: 1 + stage.bank.members]

        def mixed(block: Tensor, columns: slice) -> Tensor:
            response = sum(
                share / self._damped(strength, columns) for share, strength in zip(near[1:], strengths, strict=False)
            )
            return torch.fft.ifft(block * response, dim=0)

        spectrum.columns(mixed)
        share = near.sum() if known else near[0]
        above, beside = (sight.left(number, full) for sight, full in zip(self.sight, self.size, strict=True))
        for rows, values in spectrum.written():
            latent = self.latent[plane, rows]
            around = share * latent + values
            for its_share, estimate in zip(stage.usual[len(near) :], self.sparse, strict=True):
                around += its_share * estimate[plane, rows].to(values)
            around.clamp_max_(BRIGHTEST)
            for part in above:
                mine, _ = overlap(rows, part)
                latent[mine] = around[mine]
            for part in beside:
                latent[:, part] = around[:, part]


def portion(report: Report | None, start: float, stop: float) -> Report | None:
    """A report for a part of the work, which lies between two shares of the whole."""
    return None if report is None else lambda done: report(start + (stop - start) * done)
