"""The universal network as something that the training loop can train: its loss, its rates, its limits.

Its rounds of splitting are trained first, by themselves, and stay as they are while the U-Nets learn to judge them. At
last both may learn together, for the result alone.
"""

import torch
from torch import Tensor, nn

from unblur.colour import encode_srgb
from unblur.errors import ConfigError
from unblur.networks.facts import facts_of
from unblur.networks.kinds import universal_network
from unblur.networks.light import compress
from unblur.networks.universal import sizes_of
from unblur.tensors import Image
from unblur.train.config import Recipe, Stage
from unblur.weights import Weights, load_into

EARLIER = 0.2
"""Weight of the mean loss of all steps before the last: each shall be an estimate by itself."""
LIGHTS = 0.1
"""Weight of the error of clipped light, on the logarithmic scale."""
SMALLEST = 1e-3
"""Errors below this count less and less (Charbonnier); a quarter of an 8-bit step."""
NEGLIGIBLE = 1e-5
"""Mean squared error that counts as none: 50 dB."""
ANALYTIC_PACE = 5.0
"""How much faster the few analytic parameters (r, its slopes, choices) learn than the U-Nets."""
ROUNDS_PACE = 2.5
"""The same for the rounds' strengths, against the small networks that correct their guides."""


class UniversalPart(nn.Module):
    """Two parts, ``rounds`` and ``universal``, all the rest; and ``joint``, both of them.

    Args:
        recipe: sizes, loss and seed.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.network = universal_network(sizes_of(recipe.network_sizes))
        self.kind = recipe.loss
        self.seed = recipe.seed
        self.gradient_limit: float | None = 1.0
        """Largest norm of all gradients together: a lamp that is misjudged at first shall not undo the rest."""

    def part(self, name: str) -> nn.Module:
        """The module that a stage of this name trains."""
        if name == "rounds" and self.network.rounds is not None:
            return self.network.rounds
        return self.network

    def restored(self, name: str, blurred: Image, psf: Tensor) -> Image:
        """What a part makes of photographs."""
        if name == "rounds":
            return self._rounds(blurred, psf)[-1]
        restored: Image = self.network(blurred, psf)
        return restored

    def _rounds(self, blurred: Image, psf: Tensor) -> list[Tensor]:
        """The sparse estimates of each phase."""
        if self.network.rounds is None:
            raise ConfigError("there are no rounds to train; expected sizes.sparse = 1")
        facts = facts_of(blurred, psf, None, None)
        return [e[..., facts.inside[0], facts.inside[1]] for e in self.network.sparse(facts)]

    def begin(self, weights: Weights | None = None) -> None:
        """Set what training starts from: trained weights, or a network that is one regularised inverse."""
        if weights is None:
            self.network.start(torch.Generator().manual_seed(self.seed))
        else:
            load_into(self.network, weights)

    def margin(self, name: str) -> int:  # noqa: ARG002
        """No pixel of a patch is lost."""
        return 0

    def rim(self, name: str) -> int:  # noqa: ARG002
        """Pixels at each side of the result that do not count."""
        return 0

    def multiply_adds(self, name: str) -> int:
        """Multiply-adds per pixel of what a stage trains, FFTs not counted."""
        rounds, whole = self.network.multiply_adds_of_rounds, self.network.multiply_adds
        return {"rounds": rounds, "universal": whole - rounds, "joint": whole}[name]

    def groups(self, stage: Stage) -> list[dict[str, object]]:
        """What the optimiser gets: the networks, and the analytic parameters at a quicker pace."""
        paces: dict[float, list[nn.Parameter]] = {1.0: [], ROUNDS_PACE: [], ANALYTIC_PACE: []}
        for name, parameter in self.network.named_parameters():
            of_rounds = ".rounds." in f".{name}"
            if stage.part == "joint" or of_rounds == (stage.part == "rounds"):
                kernel = ".nets." in f".{name}" or (of_rounds and ".corrections." in name)
                paces[1.0 if kernel else ROUNDS_PACE if of_rounds else ANALYTIC_PACE].append(parameter)
        rates = [(params, stage.rate * pace) for pace, params in paces.items() if params]
        return [{"params": params, "lr": rate, "peak": rate} for params, rate in rates]

    @torch.no_grad()
    def prepared(self, stage: Stage, blurred: Image, psf: Tensor, scene: Image, linear: Tensor) -> tuple[Tensor, ...]:
        """What :meth:`loss` takes of a batch: for the U-Nets with the frozen rounds' estimates, computed once."""
        if stage.part != "universal" or self.network.rounds is None:
            return blurred, psf, scene, linear
        sparse = self.network.sparse(facts_of(blurred, psf, None, None))
        return blurred, psf, scene, linear, torch.stack(sparse, dim=1)

    def loss(
        self,
        stage: Stage,
        blurred: Image,
        psf: Tensor,
        scene: Image,
        linear: Tensor,
        sparse: Tensor | None = None,
    ) -> Tensor:
        """The error of what a person would see, and of the light that clipping hides, over all estimates."""
        if self.network.rounds is not None:
            self.network.rounds.requires_grad_(stage.part != "universal")
        known = None if sparse is None else list(sparse.unbind(dim=1))
        if stage.part == "rounds":
            estimates = self._rounds(blurred, psf)
        else:
            estimates = self.network.estimates(blurred, psf, sparse=known)
        losses = [self._error(estimate, scene, linear) for estimate in estimates]
        if len(losses) == 1:
            return losses[0]
        return losses[-1] + EARLIER * torch.stack(losses[:-1]).mean()

    def _error(self, estimate: Tensor, scene: Tensor, linear: Tensor) -> Tensor:
        clipped = scene >= 1
        # Too bright is right where the target is clipped; elsewhere it is wrong, and counted so that it cannot explode.
        seen = torch.where(clipped, estimate.clamp_max(1), compress(estimate))
        difference = _stored(seen, linear) - _stored(scene.clamp(0, 1), linear)
        hidden = torch.where(clipped, compress(estimate) - compress(scene), 0.0).abs().mean()
        if self.kind == "log-mse":
            return (difference.square().mean(dim=(1, 2, 3)) + NEGLIGIBLE).log().mean() / 2 + LIGHTS * hidden
        return ((difference.square() + SMALLEST**2).sqrt() - SMALLEST).mean() + LIGHTS * hidden


def _stored(image: Tensor, linear: Tensor) -> Tensor:
    """Pictures of either light as the values that a file would store."""
    return torch.where(linear[:, None, None, None], encode_srgb(image), image)
