"""Rounds that learned one kind of noise each, mixed for a photograph by what was measured of its noise.

What is best for white noise lets coarse noise through, and what JPEG leaves is neither. One set of weights has to be
timid for all of them; sets that were trained on from the same one may be averaged (Wortsman et al. 2022), and so be
mixed by the photograph, as the convolutions of Yang et al. (CondConv, NeurIPS 2019) are by their input.
"""

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unblur.networks.rounds import SparseRounds

KINDS = ("usual", "white", "jpeg")
"""Noise with a grain and everything between; white noise; photographs that JPEG compressed."""
GRAINY = (0.1, 0.3)
"""Noise whose level is larger by so much in means of 2 × 2 is white less and less, and then not at all: a grain of 0.5
pixels has 0.4 to 0.9, white noise of 0.01 on blurred photographs 0.15 in the median. Chosen on validation pictures."""
UNTOUCHED = (0.0, 0.25)
"""What :func:`unblur.networks.light.blockiness` may be where noise is white as the sensor left it."""
COMPRESSED = (0.15, 0.45)
"""From what blockiness on it is JPEG that counts: quality 90 has about 0.5."""


class RoundsByNoise(nn.Module):
    """A set of rounds for each of :data:`KINDS`.

    Args:
        width: as for :class:`SparseRounds`.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kinds = nn.ModuleDict({name: SparseRounds(width) for name in KINDS})

    def start(self, generator: torch.Generator) -> None:
        """Draw starting weights, the same for all, as sets are mixed that have one origin."""
        first = self._sets()[0]
        first.start(generator)
        for other in self._sets()[1:]:
            other.load_state_dict(first.state_dict())

    @property
    def multiply_adds(self) -> float:
        """Multiply-adds of all convolutions per pixel of one plane: those of one set."""
        return self._sets()[0].multiply_adds

    @property
    def phases(self) -> list[range]:
        """The rounds of each phase."""
        return self._sets()[0].phases

    def of(self, levels: Float[Tensor, "1 3"]) -> SparseRounds:
        """The mixture for one photograph; gradients reach all sets that have a share."""
        shares = kind_shares(levels)[0]
        sets = self._sets()
        mixed = copy.deepcopy(sets[0])
        several = zip(*(one.named_parameters() for one in sets), strict=True)
        for (name, first), *others in several:
            value = shares[0].to(first) * first
            for share, (_, other) in zip(shares[1:], others, strict=True):
                value = value + share.to(other) * other
            path, _, leaf = name.rpartition(".")
            owner = mixed.get_submodule(path)
            delattr(owner, leaf)
            setattr(owner, leaf, value)  # a tensor with a history, where a parameter has none
        return mixed

    def _sets(self) -> list[SparseRounds]:
        return [self.kinds[name] for name in KINDS]  # type: ignore[misc]


def kind_shares(levels: Float[Tensor, "b 3"]) -> Float[Tensor, "b kinds"]:
    """How much of its noise is of each of :data:`KINDS`, by what was measured; the shares sum to 1.

    Args:
        levels: see :func:`unblur.networks.light.noise_levels`.
    """
    fine, coarse, blocks = levels.unbind(dim=1)
    white = (1 - _rising(coarse - fine, GRAINY)) * (1 - _rising(blocks, UNTOUCHED))
    jpeg = _rising(blocks, COMPRESSED)
    return torch.stack([1 - white - jpeg, white, jpeg], dim=1)


def _rising(values: Tensor, between: tuple[float, float]) -> Tensor:
    """0 up to the first of two numbers, 1 from the second, straight between."""
    low, high = between
    return ((values - low) / (high - low)).clamp(0, 1)
