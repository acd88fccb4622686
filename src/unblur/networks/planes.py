"""What a U-Net of the universal network judges."""

from typing import NamedTuple

import torch
from torch import Tensor


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
