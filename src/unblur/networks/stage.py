"""One step of the universal network on a part of a photograph: what its U-Net is shown, and what it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from unblur.networks.bank import Bank


class Planes(NamedTuple):
    """What a U-Net judges, on one frame: ``(B, C, h, w)``, inverses ``(B, C, n, h, w)``."""

    before: Tensor
    """The last estimate; the blurred picture itself in the first step."""
    members: Tensor
    """Inverses of the misfit."""
    latent: Tensor | None
    """What they are to be added to."""
    sparse: tuple[Tensor, ...]
    """Estimates under a sparse prior."""
    features: Tensor
    observed: Tensor
    white: Tensor
    doubt: Tensor

    def at(self, rows: slice, columns: slice) -> "Planes":
        """A part of the frame."""
        kept = (..., rows, columns)
        latent = None if self.latent is None else self.latent[kept]
        sparse = tuple(plane[kept] for plane in self.sparse)
        rest = (plane[kept] for plane in (self.features, self.observed, self.white, self.doubt))
        return Planes(self.before[kept], self.members[kept], latent, sparse, *rest)

    def choices(self) -> Tensor:
        """What may be mixed, ``(B, C, choices, h, w)``."""
        near = self.members if self.latent is None else self.members + self.latent[:, :, None]
        return torch.cat([self.before[:, :, None], near, *(plane[:, :, None] for plane in self.sparse)], dim=2)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of the network."""

    bank: Bank
    usual: Tensor
    """Untaught shares of the last estimate, of each inverse and of each sparse estimate; they add up to 1."""
    judged: Callable[[Planes], Tensor]
    """The U-Net's answer on a part of the photograph."""
    reach: int
    """No pixel of the answer depends on pixels further away than this; a multiple of the U-Net's cell."""
