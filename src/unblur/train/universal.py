"""The universal network as something that the training loop can train: its loss, its rates, its limits.

Its rounds of splitting are trained first, by themselves, and stay as they are while the U-Nets learn to judge them; the
closing step is trained last, on what all these leave.
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from unblur.colour import encode_srgb
from unblur.errors import ConfigError
from unblur.networks.facts import Facts, facts_of
from unblur.networks.light import compress
from unblur.networks.splitting import sparse_estimates
from unblur.networks.universal import COLOURS, Universal, sizes_of
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
CLOSING_PACE = 0.05
"""How much slower the last layer of the closing step learns: its corrections are so small that the first steps at the
full rate would only do harm, and the quickest way out of that is a U-Net whose units are all silent for good."""
ROUNDS_PACE = 2.5
"""The same for the rounds' strengths, against the small networks that correct their guides."""


class UniversalPart(nn.Module):
    """Three parts: ``rounds``, ``universal``, which are the U-Nets behind them, and ``closing``, the last step.

    Args:
        recipe: sizes, loss and seed.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.network = Universal(sizes_of(recipe.network_sizes))
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
        facts = facts_of(blurred, psf, None, None)
        if name == "rounds":
            return self._inside(self._rounds(facts), facts)[-1]
        sparse = self._rounds(facts) if self.network.rounds else []
        last = self.network.sizes.steps if name == "universal" else self.network.sizes.all_steps
        return self._inside(self.network.latents(facts, sparse, range(last)), facts)[-1]

    def _rounds(self, facts: Facts) -> list[Tensor]:
        """The sparse estimates of each phase, on the whole domain."""
        if self.network.rounds is None:
            raise ConfigError("there are no rounds to train; expected sizes.sparse = 1")
        return sparse_estimates(facts, self.network.rounds)

    @staticmethod
    def _inside(estimates: list[Tensor], facts: Facts) -> list[Image]:
        return [estimate[..., facts.inside[0], facts.inside[1]] for estimate in estimates]

    def begin(self, weights: Weights | None = None) -> None:
        """Set what training starts from: a network that is one regularised inverse, or trained weights.

        What the network has and the weights have not, such as a closing step, begins untrained.

        Raises:
            WeightsError: they are of a network of other sizes.
        """
        self.network.start(torch.Generator().manual_seed(self.seed))
        if weights is not None:
            load_into(self.network, replace(weights, tensors=self._completed(weights.tensors)))

    def _completed(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Trained tensors, and this network's own where there are none; choices may be of fewer steps."""
        own = self.network.state_dict()
        steps = tensors["choice"]
        return {**own, **tensors, "choice": torch.cat([steps.to(own["choice"]), own["choice"][len(steps) :]])}

    def margin(self, name: str) -> int:  # noqa: ARG002
        """No pixel of a patch is lost."""
        return 0

    def rim(self, name: str) -> int:  # noqa: ARG002
        """Pixels at each side of the result that do not count."""
        return 0

    def multiply_adds(self, name: str) -> int:
        """Multiply-adds per pixel of what a stage trains, FFTs not counted."""
        network = self.network
        if name == "rounds":
            return 0 if network.rounds is None else round(COLOURS * network.rounds.multiply_adds)
        return round(sum(network.net(step).multiply_adds for step in self._steps(name)))

    def _steps(self, name: str) -> range:
        """The steps that a part consists of."""
        sizes = self.network.sizes
        return range(sizes.steps) if name == "universal" else range(sizes.steps, sizes.all_steps)

    def _taught(self, name: str) -> dict[str, nn.Parameter]:
        """The parameters that a stage trains."""
        if name == "rounds":
            return dict(self.part(name).named_parameters())
        closing = (f"nets.{len(self.network.nets) - 1}.", f"banks.{self.network.sizes.steps}.")
        last = closing if self.network.sizes.closing else ()
        named = [(key, p) for key, p in self.network.named_parameters() if not key.startswith("rounds.")]
        return {key: p for key, p in named if key == "choice" or key.startswith(last) == (name == "closing")}

    def groups(self, stage: Stage) -> list[dict[str, object]]:
        """What the optimiser gets: the networks, and the analytic parameters at a quicker pace."""
        taught = self._taught(stage.part)
        last = tuple(name for name in taught if stage.part == "closing" and ".last." in name)
        nets = [p for name, p in taught.items() if name.startswith(("nets.", "corrections.")) and name not in last]
        analytic = [p for name, p in taught.items() if not name.startswith(("nets.", "corrections."))]
        quick = ROUNDS_PACE if stage.part == "rounds" else ANALYTIC_PACE
        groups = [(nets, 1.0), (analytic, quick), ([taught[name] for name in last], CLOSING_PACE)]
        rates = [(params, stage.rate * pace) for params, pace in groups if params]
        return [{"params": params, "lr": rate, "peak": rate} for params, rate in rates]

    @torch.no_grad()
    def prepared(self, stage: Stage, blurred: Image, psf: Tensor, scene: Image, linear: Tensor) -> tuple[Tensor, ...]:
        """What :meth:`loss` takes of a batch; what is frozen, such as the rounds behind the U-Nets, computed once."""
        whole = (blurred, psf, scene, linear)
        if stage.part == "rounds":
            return whole
        facts = facts_of(blurred, psf, None, None)
        sparse = self._rounds(facts) if self.network.rounds else []
        latents = self.network.latents(facts, sparse, range(self._steps(stage.part).start))
        return *whole, *(torch.stack(found, dim=1) if found else blurred[:0] for found in (sparse, latents[-1:]))

    def loss(
        self,
        stage: Stage,
        blurred: Image,
        psf: Tensor,
        scene: Image,
        linear: Tensor,
        *frozen: Tensor,
    ) -> Tensor:
        """The error of what a person would see, and of the light that clipping hides, over all estimates.

        ``frozen`` is what :meth:`prepared` found: the rounds' estimates, and what the part goes on from, each stacked
        as the second dimension, or empty; for the rounds nothing.
        """
        if self.network.rounds is not None:
            self.network.rounds.requires_grad_(stage.part == "rounds")
        facts = facts_of(blurred, psf, None, None)
        if stage.part == "rounds":
            found = self._rounds(facts)
        else:
            sparse, latent = ([] if not len(kept) else list(kept.unbind(dim=1)) for kept in frozen)
            going_on = latent[0] if latent else None
            found = self.network.latents(facts, sparse, self._steps(stage.part), latent=going_on)
        losses = [self._error(estimate, scene, linear) for estimate in self._inside(found, facts)]
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
