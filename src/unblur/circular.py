"""Solvers compute on a circle; photographs have a border. Here the two meet."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from unblur.boundary import Arc, Circular, extended, extended_weight, filled
from unblur.tensors import Image, Psf, Report, Weight


@runtime_checkable
class Solver(Protocol):
    """A solver on a circular domain; :func:`on_photograph` makes a deconvolver of it."""

    def __call__(
        self, blurred: Image, psf: Psf, *, weight: Weight, settings: Any, report: Report | None = None
    ) -> Image:
        """Restore the circular ``(B, C, H, W)`` under the given weight."""
        ...


class OnPhotograph:
    """A solver as a deconvolver: extend, weigh, solve, cut the photograph out again.

    Args:
        solver: on a circular domain.
        device: where it computes.
        settings: the solver's.
    """

    def __init__(self, solver: Solver, device: torch.device, settings: Any) -> None:
        self.solver, self.device, self.settings = solver, device, settings

    def __call__(
        self, blurred: Image, psf: Psf, *, weight: Weight | None = None, report: Report | None = None
    ) -> Image:
        """Restore photographs."""
        blurred = blurred.to(self.device)
        trust = None if weight is None else weight.to(blurred)
        picture = blurred if trust is None else filled(blurred, trust, psf)
        return self._solved(picture, psf, trust, (False, False), report)

    def room(self, psf: Psf) -> Tensor:
        """A PSF of the size for which photographs are extended: this one."""
        return psf

    def piece(
        self, extended: Image, psf: Psf, *, weight: Weight, place: tuple[Arc, Arc], report: Report | None = None
    ) -> Image:
        """Restore a piece of a photograph that was extended already.

        Args:
            extended: ``(B, C, h, w)``, what is to be ignored filled already.
            psf: ``(kh, kw)``.
            weight: ``(B|1, C|1, h, w)``, 0 beyond the photograph's frame.
            place: of the piece on the circle of either axis.
            report: told the share of the work done.
        """
        extended = extended.to(self.device)
        circular = (place[0].circular, place[1].circular)
        return self._solved(extended, psf, weight.to(extended), circular, report)

    def _solved(
        self, image: Tensor, psf: Tensor, weight: Tensor | None, circular: Circular, report: Report | None
    ) -> Tensor:
        picture, frame, inside = extended(image, psf, circular=circular)
        whole = extended_weight(weight, frame, inside)
        restored = self.solver(picture, psf.to(picture), weight=whole, settings=self.settings, report=report)
        return restored[..., inside[0], inside[1]]


def on_photograph(solver: Solver) -> Callable[[torch.device, Any], OnPhotograph]:
    """Let a circular solver meet photographs."""

    def build(device: torch.device, settings: Any) -> OnPhotograph:
        return OnPhotograph(solver, device, settings)

    return build
