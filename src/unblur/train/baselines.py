"""Trains the paper's trained rivals, ``crf-cascade``, ``mlp``, ``ssdae`` and ``eigen-cnn``, for one PSF each."""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from unblur import __version__
from unblur.metrics import psnr
from unblur.precision import autocast, bfloat16_pays
from unblur.psf.accept import accept_psf
from unblur.tensors import Psf
from unblur.train.baseline_families import FAMILIES
from unblur.train.baseline_recipes import BaselineRecipe, Phase
from unblur.train.data import Patches, Photos, mixed_seed, validation_pairs
from unblur.train.stages import inner
from unblur.train.state import digest, load_state, save_state
from unblur.weights import Card, Weights, write_weights

WARMUP = 50
"""Steps over which the rate rises from zero."""
VALIDATION_SIDE = 192
"""Largest side of the pictures on which a phase's end is judged, in pixels."""


@dataclass(frozen=True, kw_only=True)
class BaselineProgress:
    """What the training tells after each step."""

    phase: str
    step: int
    steps: int
    loss: float
    share: float
    """Of all phases' steps that is done, 0 to 1; their steps are not equally long."""
    validation: float | None
    """Mean PSNR in dB after the last phase that has ended."""


class BaselineRun:
    """Where the training of a baseline stands.

    Args:
        recipe: what is trained.
        psf: the blur.
        device: where.
    """

    def __init__(self, recipe: BaselineRecipe, psf: Psf, device: torch.device) -> None:
        self.recipe, self.device = recipe, device
        self.family = FAMILIES[recipe.network]
        self.psf = psf.to(device)
        self.network = self.family.build(**recipe.sizes).to(device)
        self.number, self.step, self.seconds = 0, 0, 0.0
        self.validation: dict[str, float] = {}
        self.optimizer = self._optimizer()
        self.name = digest({**dataclasses.asdict(recipe), "values": psf.double().cpu().tolist()})

    @property
    def phase(self) -> Phase:
        """What is being trained."""
        return self.recipe.phases[self.number]

    @property
    def finished(self) -> bool:
        """Whether the last phase's last step is done."""
        return self.number == len(self.recipe.phases) - 1 and self.step >= self.phase.steps

    def next_phase(self) -> None:
        """Move on to the next phase's beginning, with a fresh optimiser."""
        self.number, self.step = self.number + 1, 0
        self.optimizer = self._optimizer()

    def advance(self, patches: Patches) -> float:
        """One step; returns its loss."""
        begun = time.perf_counter()
        phase = self.phase
        warm = min(1.0, (self.step + 1) / WARMUP)
        pace = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.step / phase.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = phase.rate * warm * pace
        pair = patches.batch(self.number, self.step, phase.batch, phase.patch)
        with autocast(self.device) if self.family.bfloat16 else nullcontext():
            loss = self.family.loss(self.network, self.number, pair, self.psf)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.step += 1
        self.seconds += time.perf_counter() - begun
        return float(loss.detach())

    @torch.no_grad()
    def validate(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Note the mean PSNR on fixed pairs, half a PSF cut; nothing without pairs."""
        if not pairs:
            return
        cut = max(self.psf.shape) // 2
        total = 0.0
        for blurred, sharp in pairs:
            restored = self.family.restored(self.network, blurred.to(self.device), self.psf)
            total += float(psnr(inner(restored, cut), inner(sharp.to(self.device), cut))[0])
        self.validation[self.phase.name] = total / len(pairs)

    def save(self, path: Path) -> None:
        """Write everything that going on needs."""
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "position": {"phase": self.number, "step": self.step, "seconds": self.seconds},
            "validation": self.validation,
        }
        save_state(path, state, belongs_to=self.name)

    def load(self, path: Path) -> bool:
        """Take over what :meth:`save` wrote; False where there is no file."""
        state = load_state(path, belongs_to=self.name, device=self.device)
        if state is None:
            return False
        self.number = state["position"]["phase"]
        self.optimizer = self._optimizer()
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["position"]["step"], state["position"]["seconds"]
        self.validation = dict(state["validation"])
        return True

    def _optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.family.trained(self.network, self.number), lr=self.phase.rate)


def train_baseline(
    recipe: BaselineRecipe,
    psf: Psf,
    pictures: Sequence[Tensor],
    output: Path,
    *,
    held_out: Sequence[Tensor],
    device: torch.device,
    seconds: float | None = None,
    save_every: int = 200,
    watch: Callable[[BaselineProgress], None] | None = None,
) -> nn.Module:
    """Train a baseline from wherever ``output`` says that an earlier call stopped.

    Args:
        recipe: what to train; ``BASELINES`` holds one for each.
        psf: the blur that it is for.
        pictures: sharp training photographs, ``(1, 1, H, W)`` in [0, 1].
        output: folder for ``last.pt`` (the state) and, at the end, ``<network>.safetensors``. Made if missing.
        held_out: photographs for validation only.
        device: where to train.
        seconds: stop, saved, after so many seconds of steps in this call; None trains to the end.
        save_every: steps between two saves.
        watch: called after each step; may raise to stop, at the loss of unsaved steps.

    Returns:
        The network as it stands.
    """
    output.mkdir(parents=True, exist_ok=True)
    run = BaselineRun(recipe, psf, device)
    photos = Photos(pictures, device)
    patches = Patches(photos, psf, recipe.data, recipe.seed)
    pairs = validation_pairs(held_out, psf, recipe.data, patch=VALIDATION_SIDE, seed=recipe.seed)
    if not run.load(output / "last.pt"):
        generator = torch.Generator().manual_seed(mixed_seed(recipe.seed))
        first = patches.batch(0, -1, run.phase.batch, run.phase.patch)
        run.family.start(run.network, run.psf, first, generator)
    spent, every = run.seconds, sum(phase.steps for phase in recipe.phases)
    while True:
        while run.step < run.phase.steps:
            loss = run.advance(patches)
            ended = run.step == run.phase.steps
            enough = seconds is not None and run.seconds - spent >= seconds
            if ended:
                run.validate(pairs)
            if ended or enough or run.step % save_every == 0:
                run.save(output / "last.pt")
            if watch:
                watch(_progress(run, loss, every))
            if enough and not run.finished:
                return run.network
        if run.finished:
            break
        run.next_phase()
    _publish(run, output, photographs=len(photos))
    return run.network


def _progress(run: BaselineRun, loss: float, every: int) -> BaselineProgress:
    done = sum(phase.steps for phase in run.recipe.phases[: run.number]) + run.step
    latest = list(run.validation.values())[-1] if run.validation else None
    phase = run.phase
    return BaselineProgress(
        phase=phase.name, step=run.step, steps=phase.steps, loss=loss, share=done / every, validation=latest
    )


def _publish(run: BaselineRun, folder: Path, *, photographs: int) -> None:
    """Write the weights in half precision: they are rounded to 5e-4 of themselves, and half as large."""
    recipe = run.recipe
    card = Card(
        network=recipe.network,
        sizes=dict(recipe.sizes),
        psf=recipe.psf,
        start="random",
        transfer=recipe.data.transfer,
        recipe=dataclasses.asdict(recipe),
        photographs=photographs,
        source=recipe.source,
        steps={phase.name: phase.steps for phase in recipe.phases},
        patches={phase.name: phase.steps * phase.batch for phase in recipe.phases},
        hours=round(run.seconds / 3600, 3),
        precision=f"{_multiplied(run)}, stored as float16",
        validation={name: round(value, 3) for name, value in run.validation.items()},
        version=__version__,
    )
    tensors = {name: tensor.half() for name, tensor in run.network.state_dict().items()}
    psf = accept_psf(run.psf.cpu(), name=recipe.psf)
    write_weights(folder / f"{recipe.network}.safetensors", Weights(card=card, psf=psf, tensors=tensors))


def _multiplied(run: BaselineRun) -> str:
    mixed = run.family.bfloat16 and bfloat16_pays(run.device.type)
    return "products in bfloat16" if mixed else "float32"
