"""A network for each kind of noise, and how a photograph is restored by them: by what was measured of its noise.

What is best for white noise lets coarse noise through, and what JPEG leaves is neither. One set of weights has to be
timid for all of them. Rounds that were trained on from the same ones may be averaged (Wortsman et al. 2022), and so are
mixed for the photograph, as the convolutions of Yang et al. (CondConv, NeurIPS 2019) are by their input. Of what comes
behind them the photograph takes the one for most of its noise.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unblur.boundary import Arc
from unblur.networks.facts import Facts, check, facts_of
from unblur.networks.light import noise_levels
from unblur.networks.photograph import light_in
from unblur.networks.rounds import SparseRounds
from unblur.networks.splitting import sparse_estimates
from unblur.networks.universal import Sizes, Universal
from unblur.networks.whole import portion
from unblur.tensors import Image, Report, Weight

KINDS = ("usual", "white", "jpeg")
"""Noise with a grain and everything between; white noise; photographs that JPEG compressed."""
GRAINY = (0.1, 0.3)
"""Noise whose level is larger by so much in means of 2 × 2 is white less and less, and then not at all: a grain of 0.5
pixels has 0.4 to 0.9, white noise of 0.01 on blurred photographs 0.15 in the median. Chosen on validation pictures."""
UNTOUCHED = (0.0, 0.25)
"""What :func:`unblur.networks.light.blockiness` may be where noise is white as the sensor left it."""
COMPRESSED = (0.15, 0.45)
"""From what blockiness on it is JPEG that counts: quality 90 has about 0.5."""


class UniversalByNoise(nn.Module):
    """A :class:`Universal` for each of :data:`KINDS`, all of one size; used as one.

    Args:
        sizes: of each.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.kinds = nn.ModuleDict({name: Universal(replace(sizes, kinds=0)) for name in KINDS})

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """Draw starting weights, the same for all, as only rounds of one origin are mixed."""
        first, *others = self.networks()
        first.start(generator)
        for other in others:
            other.load_state_dict(first.state_dict())

    def networks(self) -> list[Universal]:
        """Those of :data:`KINDS`, in that order."""
        return [self.kinds[name] for name in KINDS]  # type: ignore[misc]

    @property
    def rounds(self) -> nn.ModuleList | None:
        """The rounds of all."""
        found = [network.rounds for network in self.networks() if network.rounds]
        return nn.ModuleList(found) if found else None

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds per pixel for one photograph, see :attr:`Universal.multiply_adds`."""
        return self.networks()[0].multiply_adds

    @property
    def multiply_adds_of_rounds(self) -> int:
        """Those of the rounds alone."""
        return self.networks()[0].multiply_adds_of_rounds

    def forward(
        self,
        blurred: Tensor,
        psf: Tensor,
        *,
        weight: Weight | None = None,
        noise: Tensor | None = None,
        strength: float = 1.0,
        views: int = 1,
        table: Tensor | None = None,
        place: tuple[Arc, Arc] | None = None,
        report: Report | None = None,
    ) -> Tensor:
        """Restore photographs, one after the other; all as for :meth:`Universal.forward`."""
        check(blurred, psf)
        if noise is None:
            noise = noise_levels(light_in(blurred, table), weight=weight)
        restored = [
            self._of(noise[number : number + 1])(
                blurred[number : number + 1],
                psf if psf.ndim == 2 else psf[number],
                weight=None if weight is None else weight[number % len(weight)][None],
                noise=noise[number : number + 1],
                strength=strength,
                views=views,
                table=table,
                place=place,
                report=portion(report, number / len(blurred), (number + 1) / len(blurred)),
                rounds=self.mixed_rounds(noise[number : number + 1]),
            )
            for number in range(len(blurred))
        ]
        return restored[0] if len(restored) == 1 else torch.cat(restored)

    def sparse(self, facts: Facts) -> list[Tensor]:
        """See :meth:`Universal.sparse`; every photograph by its own mixture."""
        if not self.rounds:
            return []
        each = [sparse_estimates(one, self.mixed_rounds(one.levels)) for one in facts.each()]  # type: ignore[arg-type]
        return [torch.cat(phase) for phase in zip(*each, strict=True)]

    def estimates(
        self,
        blurred: Image,
        psf: Tensor,
        *,
        weight: Weight | None = None,
        noise: Tensor | None = None,
        sparse: Sequence[Tensor] | None = None,
    ) -> list[Tensor]:
        """See :meth:`Universal.estimates`; photographs of one kind together."""
        levels = noise_levels(blurred, weight=weight) if noise is None else noise
        if sparse is None:
            sparse = self.sparse(facts_of(blurred, psf, weight, levels))
        order, found = [], []
        for network, own in self._groups(levels):
            of_psf = psf if psf.ndim == 2 else psf[own]
            trust = None if weight is None else weight[own % len(weight)]
            its = [estimate[own] for estimate in sparse]
            found.append(network.estimates(blurred[own], of_psf, weight=trust, noise=levels[own], sparse=its))
            order.append(own)
        back = torch.cat(order).argsort()
        return [torch.cat(parts)[back] for parts in zip(*found, strict=True)]

    def mixed_rounds(self, levels: Float[Tensor, "1 3"]) -> SparseRounds | None:
        """The rounds for one photograph; gradients reach all those that have a share."""
        rounds = [network.rounds for network in self.networks()]
        shares = kind_shares(levels)[0]
        mixed = copy.deepcopy(rounds[0])
        if mixed is None:
            return None
        for (name, first), *others in zip(*(one.named_parameters() for one in rounds if one), strict=True):
            value = shares[0].to(first) * first
            for share, (_, other) in zip(shares[1:], others, strict=True):
                value = value + share.to(other) * other
            path, _, leaf = name.rpartition(".")
            owner = mixed.get_submodule(path)
            delattr(owner, leaf)
            setattr(owner, leaf, value)  # a tensor with a history, where a parameter has none
        return mixed

    def _of(self, levels: Float[Tensor, "1 3"]) -> Universal:
        return self.networks()[int(kind_shares(levels)[0].argmax())]

    def _groups(self, levels: Float[Tensor, "b 3"]) -> Iterator[tuple[Universal, Tensor]]:
        """Networks, and the numbers of the photographs that are theirs; none is without."""
        kinds = kind_shares(levels).argmax(dim=1)
        for kind in kinds.unique().tolist():
            yield self.networks()[kind], (kinds == kind).nonzero().flatten()


def universal_network(sizes: Sizes) -> Universal | UniversalByNoise:
    """The network of these sizes, with its starting weights: one for all noise, or one for each kind of it."""
    return UniversalByNoise(sizes) if sizes.kinds else Universal(sizes)


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
