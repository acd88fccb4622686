"""Learns the patch prior of ``epll``: expectation maximisation on patches of sharp photographs."""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from unblur import __version__
from unblur.errors import ConfigError
from unblur.solvers.epll import PatchPrior
from unblur.train.data import Photos, mixed_seed
from unblur.train.state import digest, load_state, save_state
from unblur.weights import Card, Weights, write_weights

_CHUNK = 256  # patches judged at once: what is multiplied out for them stays in the processor's cache
_CROPS = 16384  # patches cut out at once


@dataclass(frozen=True, kw_only=True)
class PriorRecipe:
    """Everything that decides the prior, but the photographs.

    A round costs ``3 · components · side⁴ · patches`` operations: 1 TFLOP as it stands, 30 rounds of it a quarter of
    an hour on one CPU core.
    """

    components: int = 200
    """Gaussians; the authors' 200."""
    side: int = 8
    """Of the patches, in pixels; the authors' 8."""
    patches: int = 400_000
    """Drawn once, at random places; more is truer, and slower."""
    rounds: int = 30
    """Of expectation and maximisation."""
    floor: float = 1e-6
    """Least variance that is believed, 1 = white: a component with few patches falls back to it."""
    seed: int = 1
    source: str = ""
    """Where the photographs come from and under which licence, in words for the weights' card."""

    def __post_init__(self) -> None:
        """Refuse what could not be learned."""
        for name, least in (("components", 1), ("side", 2), ("rounds", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected {least} or more")
        if self.patches < self.components:
            raise ConfigError(f"patches is {self.patches}, expected at least one for each of {self.components}")
        if not self.floor > 0:
            raise ConfigError(f"floor is {self.floor}, expected a variance above 0, 1e-6 for instance")


@dataclass(frozen=True, kw_only=True)
class PriorProgress:
    """What the training tells after each round."""

    round: int
    rounds: int
    log_likelihood: float
    """Mean natural logarithm of a patch's density under the prior with which the round began."""
    seconds: float
    """Spent in rounds so far, over all resumptions."""


def sampled_patches(
    photos: Photos, count: int, side: int, generator: torch.Generator
) -> Float[Tensor, "{count} {side}*{side}"]:
    """Patches at random places, dithered by the rounding of 8 bits, without their means.

    Undithered, the flat ones would all be exactly zero: a likelihood without bound.
    """
    fits = photos.fitting(side)
    found: list[Tensor] = []
    for start in range(0, count, _CROPS):
        number = min(_CROPS, count - start)
        chosen = fits[torch.multinomial(photos.shares[fits], number, replacement=True, generator=generator)]
        u = torch.rand(2, number, generator=generator, dtype=torch.float64)
        tops = (u[0] * (photos.heights[chosen] - side + 1)).long()
        lefts = (u[1] * (photos.widths[chosen] - side + 1)).long()
        crops = photos.crops(chosen, tops, lefts, side).flatten(1)
        crops = crops + (torch.rand(crops.shape, generator=generator) - 0.5).to(crops) / 255
        found.append(crops - crops.mean(dim=1, keepdim=True))
    return torch.cat(found)


def first_prior(patches: Float[Tensor, "n d"], components: int, floor: float) -> PatchPrior:
    """Each component begins as the direction and the contrast of one patch, the first ones of a random draw."""
    seeds = patches[:components].double()
    energy = seeds.square().mean(dim=1) + floor
    even = torch.eye(seeds.shape[1]).to(seeds)
    covariances = seeds[:, :, None] * seeds[:, None, :] + energy[:, None, None] * even
    return PatchPrior(shares=torch.full_like(energy, 1 / components), covariances=covariances)


def em_round(patches: Float[Tensor, "n d"], prior: PatchPrior, floor: float) -> tuple[PatchPrior, float]:
    """One round of expectation maximisation; its penalised likelihood never falls.

    Args:
        patches: without their means.
        prior: before the round.
        floor: variance of the ``d`` imagined patches that each component is given besides its own.

    Returns:
        The prior after the round, and the mean log likelihood of the patches under the one before.
    """
    columns, levels = _whitening(prior, patches)
    rows, cols = torch.tril_indices(*prior.covariances.shape[-2:], device=patches.device)
    size, components = prior.covariances.shape[-1], len(levels)
    counts = patches.new_zeros(components, dtype=torch.float64)
    moments = patches.new_zeros(components, len(rows), dtype=torch.float64)
    total = 0.0
    for chunk in patches.split(_CHUNK):
        distance = (chunk @ columns).square_().unflatten(1, (components, -1)).sum(-1)
        joint = levels - 0.5 * distance
        evidence = joint.logsumexp(dim=1, keepdim=True)
        memberships = (joint - evidence).exp()
        total += float(evidence.double().sum())
        counts += memberships.sum(0)
        moments += memberships.T @ (chunk[:, rows] * chunk[:, cols])
    covariances = moments.new_zeros(components, size, size)
    covariances[:, rows, cols] = moments
    covariances[:, cols, rows] = moments
    mean_part = torch.full((size, size), 1 / size).to(moments)
    imagined = floor * size * (torch.eye(size).to(moments) - mean_part)
    covariances = (covariances + imagined) / (counts + size)[:, None, None] + floor * mean_part
    return PatchPrior(shares=counts / counts.sum(), covariances=covariances), total / len(patches)


def _whitening(prior: PatchPrior, like: Tensor) -> tuple[Tensor, Tensor]:
    """Columns ``(d, k · (d - 1))`` whose squared products with a patch sum to its distances; the logarithms beside."""
    covariances = prior.covariances.double()
    size = covariances.shape[-1]
    without_mean = torch.eye(size).to(covariances) - 1 / size
    values, vectors = torch.linalg.eigh(without_mean @ covariances @ without_mean)
    values, vectors = values[:, 1:], vectors[..., 1:]  # the smallest is the mean's, which patches do not have
    columns = (vectors / values.sqrt()[:, None, :]).permute(1, 0, 2).flatten(1)
    logs = prior.shares.double().clamp_min(1e-300).log() - 0.5 * (values.log() + math.log(2 * math.pi)).sum(-1)
    return columns.to(like), logs.to(like)


def train_prior(
    pictures: Sequence[Tensor],
    output: Path,
    *,
    recipe: PriorRecipe,
    device: torch.device,
    seconds: float | None = None,
    watch: Callable[[PriorProgress], None] | None = None,
) -> PatchPrior:
    """Learn the prior from wherever ``output`` says that an earlier call stopped.

    Args:
        pictures: sharp photographs, ``(1, 1, H, W)`` in [0, 1].
        output: folder for ``last.pt`` (the state) and, at the end, ``epll.safetensors``. Made if missing.
        recipe: what to learn.
        device: where.
        seconds: stop, saved, after the round in which so many seconds of this call are over; None goes to the end.
        watch: called after each round; may raise to stop.

    Returns:
        The prior as it stands.
    """
    output.mkdir(parents=True, exist_ok=True)
    photos = Photos(pictures, device)
    generator = torch.Generator().manual_seed(mixed_seed(recipe.seed))
    patches = sampled_patches(photos, recipe.patches, recipe.side, generator)
    name = digest(dataclasses.asdict(recipe))
    state = load_state(output / "last.pt", belongs_to=name, device=device)
    done, spent, likelihood, here = 0, 0.0, float("nan"), 0.0
    if state is None:
        prior = first_prior(patches, recipe.components, recipe.floor)
    else:
        prior = PatchPrior(shares=state["shares"], covariances=state["covariances"])
        done, spent, likelihood = state["round"], state["seconds"], state["log_likelihood"]
    while done < recipe.rounds and (seconds is None or here < seconds):
        begun = time.perf_counter()
        prior, likelihood = em_round(patches, prior, recipe.floor)
        done += 1
        took = time.perf_counter() - begun
        spent, here = spent + took, here + took
        position = {"round": done, "seconds": spent, "log_likelihood": likelihood}
        kept = {"shares": prior.shares, "covariances": prior.covariances, **position}
        save_state(output / "last.pt", kept, belongs_to=name)
        if watch:
            watch(PriorProgress(round=done, rounds=recipe.rounds, log_likelihood=likelihood, seconds=spent))
    if done == recipe.rounds:
        _publish(prior, recipe, output, photographs=len(photos), hours=spent / 3600, log_likelihood=likelihood)
    return prior


def _publish(
    prior: PatchPrior, recipe: PriorRecipe, folder: Path, *, photographs: int, hours: float, log_likelihood: float
) -> None:
    """Write ``epll.safetensors``; a point stands for the PSF, as the prior knows none."""
    card = Card(
        network="epll",
        sizes={"components": recipe.components, "side": recipe.side},
        psf="any",
        start="random",
        transfer="any",
        recipe=dataclasses.asdict(recipe),
        photographs=photographs,
        source=recipe.source,
        steps={"rounds": recipe.rounds},
        patches={"rounds": recipe.patches},
        hours=round(hours, 3),
        precision="float32, sums in float64",
        validation={"log_likelihood": round(log_likelihood, 3)},
        version=__version__,
    )
    write_weights(folder / "epll.safetensors", Weights(card=card, psf=torch.ones(1, 1), tensors=prior.tensors()))
