"""The universal network as something that the training loop can train: its loss, its rates, its limits."""

import torch
from torch import Tensor, nn

from unblur.colour import encode_srgb
from unblur.networks.light import compress
from unblur.networks.universal import Universal, sizes_of
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


class UniversalPart(nn.Module):
    """One part, trained in one or more stages.

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

    def part(self, name: str) -> nn.Module:  # noqa: ARG002 - there is one part only
        """The module that is trained."""
        return self.network

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

    def multiply_adds(self, name: str) -> int:  # noqa: ARG002
        """Multiply-adds per pixel, FFTs not counted."""
        return self.network.multiply_adds

    def groups(self, stage: Stage) -> list[dict[str, object]]:
        """What the optimiser gets: the U-Nets, and the analytic parameters at a quicker pace."""
        nets = [p for name, p in self.network.named_parameters() if name.startswith("nets.")]
        analytic = [p for name, p in self.network.named_parameters() if not name.startswith("nets.")]
        quick = stage.rate * ANALYTIC_PACE
        return [
            {"params": nets, "lr": stage.rate, "peak": stage.rate},
            {"params": analytic, "lr": quick, "peak": quick},
        ]

    def loss(self, stage: Stage, blurred: Image, psf: Tensor, scene: Image, linear: Tensor) -> Tensor:  # noqa: ARG002
        """The error of what a person would see, and of the light that clipping hides, over all steps."""
        estimates = self.network.estimates(blurred, psf)
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
