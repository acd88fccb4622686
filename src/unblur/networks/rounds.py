"""The rounds of half-quadratic splitting that the universal network learns: how strong each is, and what guides it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor, nn

from unblur.networks.light import LEVELS

WIDEST = 61
"""Longest side in pixels of the PSFs of the training. Wider ones let nothing pass already at frequencies so low that
what a correction gets wrong there grows from round to round; their corrections are damped there, see :func:`damped`."""
DAMPING = 0.03
"""Power of the gradient at which half of a correction is left where the PSF lets nothing pass: of waves of 36 pixels.
Chosen on validation photographs under eight wide PSFs; a quarter of it is too little, twice as much is no worse."""
NOISE_SLOPE = 1.2
"""Change of ln(β / λ) with the noise level, chosen on validation pictures at noises of 0.002 to 0.05."""
REACH = 6
"""A pixel of a correction depends on the estimate up to so many pixels away."""
CURVED = 2
"""The same for shrunk differences of up to the second order."""
FINENESS = (0.01, 0.035, 0.075, 0.14, 0.24, 0.38)
"""Cycles per pixel at which the rounds are told what a PSF lets pass."""
DIRECTIONS = 16
"""In which that is measured."""
HIDDEN = 32
"""Units that turn noise and PSF into each round's strengths."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Rounds with the same untrained prior; the next phase goes on from their result."""

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


class SparseRounds(nn.Module):
    """Rounds of splitting that begin as those of :data:`PHASES` and learn from there.

    In each round the estimate's differences are shrunk to a guide, and the picture is found that explains the
    photograph and has the guide's differences. What is learned: how strongly it is tied to the guide, the threshold and
    the weight of second differences, all three by noise and by what the PSF lets pass, and a small network's correction
    of the guide, as the learned shrinkage of Schmidt and Roth (2014) and the networks of Kruse et al. (2017).

    Args:
        width: maps of the small networks.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        starts = [(phase, coupling) for phase in PHASES for coupling in phase.couplings]
        count = len(starts)

        def logs(values: Sequence[float]) -> nn.Parameter:
            return nn.Parameter(torch.tensor(values, dtype=torch.float64).log().float())

        self.tie = logs([coupling / phase.fidelity for phase, coupling in starts])
        self.threshold = logs([phase.threshold * coupling ** (-2 / 3) for phase, coupling in starts])
        self.second = logs([phase.second for phase, _ in starts])
        self.slopes = nn.Parameter(torch.tensor([[0.0, NOISE_SLOPE, 0.0]]).repeat(count, 1))
        """Change of the tie with each of the levels."""
        self.seen = nn.Linear(LEVELS + len(FINENESS), HIDDEN)
        self.adapted = nn.Linear(HIDDEN, 3 * count)
        self.corrections = nn.ModuleList(GuideNet(width) for _ in range(count))
        self.start(torch.Generator().manual_seed(0))

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """Draw starting weights; the rounds are then those of :data:`PHASES`."""
        self.seen.weight.copy_(torch.randn(self.seen.weight.shape, generator=generator) / 3)
        for parameter in (self.seen.bias, self.adapted.weight, self.adapted.bias):
            parameter.zero_()
        for net in self.corrections:
            net.start(generator)  # type: ignore[operator]

    @property
    def multiply_adds(self) -> float:
        """Multiply-adds of all convolutions per pixel of one plane."""
        return sum(p.numel() for p in self.corrections.parameters() if p.ndim == 4) / 4

    @property
    def phases(self) -> list[range]:
        """The rounds of each phase."""
        counts = [len(phase.couplings) for phase in PHASES]
        return [range(sum(counts[:n]), sum(counts[: n + 1])) for n in range(len(counts))]

    def strengths(self, levels: Tensor, psf: Tensor, cells: tuple[int, int] = (0, 0)) -> "Strengths":
        """What holds in each round for a photograph.

        Args:
            levels: of its noise, ``(B, 3)``, see :func:`unblur.networks.light.noise_levels`.
            psf: ``(kh, kw)``, or one for each photograph ``(B, kh, kw)``.
            cells: row and column of the domain at which a cell of 2 × 2 pixels begins: the photograph's first, so
                that a part of it is seen as in the whole.
        """
        facts = torch.cat([levels / 2, passing_of(psf).expand(len(levels), -1)], dim=1)
        with torch.autocast(facts.device.type, enabled=False):
            adapted = self.adapted(torch.tanh(self.seen(facts.to(self.seen.weight))))
        tie, threshold, second = adapted.to(levels).view(len(levels), 3, -1).unbind(dim=1)
        return Strengths(
            (self.tie + levels @ self.slopes.mT + tie).exp(),
            (self.threshold + threshold).exp(),
            (self.second + second).exp(),
            levels,
            cells,
            max(psf.shape[-2:]) > WIDEST,
        )

    def guide(self, number: int, estimate: Tensor, strengths: "Strengths", rows: slice | None = None) -> Tensor:
        """What the estimate of a round is tied to: :meth:`shrunk_guide` and its :meth:`correction`.

        Args:
            number: of the round.
            estimate: ``(B, H, W)``, circular.
            strengths: see :meth:`strengths`.
            rows: those that are wanted; None for all.
        """
        guide = self.shrunk_guide(number, estimate, strengths, rows)
        return guide + self.correction(number, estimate, strengths, rows)

    def shrunk_guide(self, number: int, estimate: Tensor, strengths: "Strengths", rows: slice | None = None) -> Tensor:
        """``Gᵀ w`` over first and second differences G, w the shrunk differences of an estimate; see :meth:`guide`.

        The same as :func:`unblur.differences.derivatives` and its adjoint, in half as many passes over the memory.
        """
        rows, width = rows or slice(0, estimate.shape[-2]), estimate.shape[-1]
        around = _part(estimate, (rows.start - CURVED, rows.stop + CURVED), (-CURVED, width + CURVED))
        threshold, second = (v[:, number, None, None] for v in (strengths.threshold, strengths.second))
        dx, dy = around[:, 1:-1].diff(dim=2), around[:, :, 2:-2].diff(dim=1)
        # The adjoint of a difference is its negative; shrinking is odd, so that the signs can wait for the end.
        dxx = shrunk(dx[:, 1:-1].diff(dim=2), threshold).diff(dim=2)
        dyy = shrunk(dy.diff(dim=1), threshold).diff(dim=1)
        dxy = shrunk(dx[:, :, 1:-1].diff(dim=1), threshold).diff(dim=1)
        along = shrunk(dx[:, 1:-1, 1:-1], threshold).addcmul(second, dxx.add(dxy, alpha=2), value=-1)
        down = shrunk(dy[:, 1:-1], threshold).addcmul(second, dyy, value=-1)
        return (along.diff(dim=2) + down.diff(dim=1)).neg()

    def correction(self, number: int, estimate: Tensor, strengths: "Strengths", rows: slice | None = None) -> Tensor:
        """What the small network of a round adds to its guide; see :meth:`guide`."""
        rows, width = rows or slice(0, estimate.shape[-2]), estimate.shape[-1]
        # Whole cells of 2 × 2, the same ones wherever a block begins.
        above, below = _around(rows.start, rows.stop, strengths.cells[0])
        left, right = _around(0, width, strengths.cells[1])
        around = _part(estimate, (rows.start - above, rows.stop + below), (-left, width + right))[:, None]
        correction: Tensor = self.corrections[number](around, strengths.told(number))[:, 0]
        inner = correction[:, above - REACH :, left - REACH :]
        return inner[:, : rows.stop - rows.start, :width].to(estimate)


class Strengths(NamedTuple):
    """What holds in each round: ``(B, rounds)`` each."""

    tie: Tensor
    """Weight of the guide against the photograph."""
    threshold: Tensor
    """Differences below this count as none."""
    second: Tensor
    """Weight of the second differences against the first."""
    levels: Tensor
    """Of the noise, ``(B, 3)``."""
    cells: tuple[int, int]
    """Row and column at which a cell of 2 × 2 pixels begins."""
    wide: bool
    """Whether the PSF is wider than those of the training, so that corrections are :func:`damped`."""

    def told(self, number: int) -> Tensor:
        """What the small network of a round is told, ``(B, 4)``."""
        return torch.cat([self.levels, self.tie[:, number, None].log() / 5], dim=1)


class GuideNet(nn.Module):
    """Three convolutions at half resolution that correct a guide; with the starting weights by nothing.

    Args:
        width: maps in between.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(4 + LEVELS + 1, width, 3)
        self.second = nn.Conv2d(width, width, 3)
        self.last = nn.Conv2d(width, 4, 3)

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """Draw weights that keep the variance (He et al. 2015), the last layer 0."""
        for parameter in self.parameters():
            parameter.zero_()
        for layer in (self.first, self.second):
            drawn = torch.randn(layer.weight.shape, generator=generator, dtype=torch.float32)
            layer.weight.copy_(drawn * math.sqrt(2 / layer.weight[0].numel()))

    def forward(self, plane: Tensor, told: Tensor) -> Tensor:
        """``(B, 1, h, w)`` of even sides, which lose :data:`REACH` pixels at each edge, and numbers ``(B, 4)``."""
        if not torch.is_grad_enabled() and torch.is_autocast_enabled(plane.device.type):
            plane = plane.to(torch.get_autocast_dtype(plane.device.type))  # what a convolution would do, only sooner
        cells = _cells(plane)
        # No pixel lacks a neighbour here, so what planes of one value would add is the same everywhere.
        kernels, numbers = self.first.weight.split([4, LEVELS + 1], dim=1)
        bias = self.first.bias + (told.to(numbers)[:, None] * numbers.sum(dim=(2, 3))).sum(dim=2)
        if len(told) == 1:
            x = F.conv2d(cells, kernels, bias[0])
        else:
            x = F.conv2d(cells, kernels) + bias.to(cells)[:, :, None, None]
        return _pixels(self.last(F.relu(self.second(F.relu(x, inplace=True)), inplace=True)))


def _cells(plane: Tensor) -> Tensor:
    """``pixel_unshuffle(plane, 2)`` of ``(B, 1, h, w)`` in channels last: strided reads, several times as quick."""
    return torch.stack([plane[:, 0, y::2, x::2] for y in (0, 1) for x in (0, 1)], dim=3).permute(0, 3, 1, 2)


def _pixels(cells: Tensor) -> Tensor:
    """``pixel_shuffle(cells, 2)`` of ``(B, 4, h, w)`` in channels last; see :func:`_cells`."""
    top, bottom = (torch.stack([cells[:, n], cells[:, n + 1]], dim=3).flatten(2) for n in (0, 2))
    return torch.stack([top, bottom], dim=2).flatten(1, 2)[:, None]


def damped(determined: Tensor, tie: Tensor) -> Tensor:
    """The share of a correction that holds under PSFs wider than the training's, 0 to 1.

    All of it where the photograph says something or where it is fine, less where it alone would decide.

    Args:
        determined: by photograph and guide together, what an estimate's spectrum is divided by.
        tie: the weight of the guide in it.
    """
    return determined / (determined + DAMPING * tie)


def _part(planes: Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    """Rows and columns of circular planes ``(B, H, W)``, which may begin before the first and end after the last."""
    for dim, (start, stop) in ((1, rows), (2, columns)):
        length, pieces = planes.shape[dim], []
        while start < stop:
            first = start % length
            count = min(length - first, stop - start)
            pieces.append(planes.narrow(dim, first, count))
            start += count
        planes = pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=dim)
    return planes


def _around(start: int, stop: int, cell: int) -> tuple[int, int]:
    """Pixels before and after a range that make whole cells with it, and :data:`REACH` around these."""
    before = (start - cell) % 2
    return REACH + before, REACH + (before + stop - start) % 2


def passing_of(psf: Tensor) -> Tensor:
    """How much contrast PSFs ``(..., kh, kw)`` let pass at each of :data:`FINENESS`, all directions together.

    Returns:
        ``(N, fineness)``, the logarithm of the mean squared transfer, about -2 to 1.5.
    """
    kernels = psf.reshape(-1, *psf.shape[-2:])
    kh, kw = kernels.shape[-2:]
    turns = torch.arange(DIRECTIONS, dtype=torch.float64, device=psf.device) * (math.pi / DIRECTIONS)
    waves = torch.tensor(FINENESS, dtype=torch.float64, device=psf.device)[:, None] * 2 * math.pi
    y, x = (torch.arange(side, dtype=torch.float64, device=psf.device) for side in (kh, kw))
    down = torch.exp(1j * (waves * turns.sin())[..., None] * y)
    across = torch.exp(1j * (waves * turns.cos())[..., None] * x)
    transfer = torch.einsum("nyx,fdy,fdx->nfd", kernels.to(down), down, across)
    return (((transfer.abs().square().mean(dim=2) + 1e-5).log() + 4) / 3).to(psf)


def shrunk(values: Tensor, threshold: Tensor) -> Tensor:
    """``v max(0, 1 - (t / |v|)^1.5)``: 0 up to the threshold, large values nearly unchanged (Chartrand's p = 1/2)."""
    result: Tensor = _Shrunk.apply(values, threshold)  # type: ignore[no-untyped-call]
    return result


class _Shrunk(torch.autograd.Function):
    """:func:`shrunk` with its derivatives in closed form: autograd would keep and pass through each of its steps."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, threshold: Tensor) -> Tensor:
        share = torch.maximum(values.abs(), threshold)
        torch.div(threshold, share, out=share)
        loss = share.mul_(share.sqrt())
        ctx.save_for_backward(values, threshold, loss)
        return torch.addcmul(values, values, loss, value=-1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None]:
        values, threshold, loss = ctx.saved_tensors
        # Nothing passes below the threshold, where the loss is whole.
        passed = torch.where(loss < 1, gradient, 0.0)
        by_threshold = None
        if ctx.needs_input_grad[1]:
            by_threshold = -1.5 * (passed * values * loss).sum_to_size(threshold.shape) / threshold
        return passed.addcmul(passed, loss, value=0.5), by_threshold
