"""The eight ways in which a picture can lie: four flips, each as it is or transposed."""

from dataclasses import dataclass

import torch
from torch import Tensor

from unblur.boundary import Arc


@dataclass(frozen=True)
class Orientation:
    """Flips along some axes of the last two, then a transposition."""

    flipped: tuple[int, ...] = ()
    """Axes, -2 or -1 or both."""
    transposed: bool = False

    def of(self, picture: Tensor) -> Tensor:
        """A picture, a weight or a PSF ``(…, H, W)`` so turned."""
        turned = self._flipped(picture)
        return turned.transpose(-2, -1).contiguous() if self.transposed else turned

    def back(self, picture: Tensor) -> Tensor:
        """The picture whose :meth:`of` this is."""
        return self._flipped(picture.transpose(-2, -1) if self.transposed else picture)

    def place(self, arcs: tuple[Arc, Arc]) -> tuple[Arc, Arc]:
        """Where a piece of an extended photograph lies once both are turned; arcs of height and width."""
        height, width = (
            _reversed(arc) if axis in self.flipped else arc for axis, arc in zip((-2, -1), arcs, strict=True)
        )
        return (width, height) if self.transposed else (height, width)

    def _flipped(self, picture: Tensor) -> Tensor:
        if not self.flipped:
            return picture
        if picture.dtype == torch.uint16:  # which PyTorch cannot flip
            return picture.view(torch.int16).flip(self.flipped).view(torch.uint16)
        return picture.flip(self.flipped)


ORIENTATIONS = tuple(
    Orientation(flips, transposed) for transposed in (False, True) for flips in ((), (-2, -1), (-2,), (-1,))
)
"""All eight; the first is how things are, the first two and the first four are closed under being applied again."""


def _reversed(arc: Arc) -> Arc:
    """A part of a circle whose photograph is counted from its last pixel."""
    return Arc(
        start=arc.length - arc.stop,
        stop=arc.length - arc.start,
        length=arc.length,
        full=arc.full,
        wanted=slice(arc.length - arc.wanted.stop, arc.length - arc.wanted.start),
    )
