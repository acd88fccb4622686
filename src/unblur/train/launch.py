"""Builds a run from a recipe, photographs and a folder, and carries it through; one process or many (torchrun)."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from unblur.errors import ConfigError
from unblur.precision import autocast
from unblur.tensors import Psf
from unblur.train.checkpoint import Run
from unblur.train.config import Recipe
from unblur.train.data import Photos
from unblur.train.family import Source, checks_of, source_of, validation
from unblur.train.loop import train
from unblur.train.publish import publish
from unblur.train.repeat import Repeated
from unblur.train.rows import Rows
from unblur.train.stages import Parts, begin
from unblur.train.universal_data import Check
from unblur.weights import Weights

CALIBRATION_PATCHES = 8
"""Patches on which the separable start scales its maps."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a run tells after each step."""

    stage: str
    step: int
    steps: int
    loss: float
    pixels_per_second: float
    flops: float
    """Operations per second, counted as if every convolution were direct: 6 per multiply-add of a training step."""
    validation: float | None
    """Latest validation PSNR of the stage, dB."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How often a run looks up from its work, in steps; short stages save and validate ten times at least."""

    save: int = 200
    log: int = 20
    validate: int = 500
    seconds: float | None = None
    """Stop cleanly, saved, after so many seconds of training in this call; None trains to the end."""

    def due(self, step: int, every: int, steps: int) -> bool:
        """Whether something that is done every so many steps is due, at the end of a stage of ``steps`` too."""
        return step == steps or step % max(1, min(every, steps // 10)) == 0


def train_recipe(
    recipe: Recipe,
    psf: Psf | None,
    pictures: list[Tensor],
    output: Path,
    *,
    held_out: list[Tensor],
    device: torch.device,
    weights: Weights | None = None,
    schedule: Schedule | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Run:
    """Train every stage of a recipe, from wherever ``output`` says that an earlier call stopped.

    Args:
        recipe: what to train.
        psf: the blur that the network is for; None for every blur (``universal``).
        pictures: sharp training photographs, ``(1, 1, H, W)`` in [0, 1], or colour as bytes.
        output: folder for ``last.pt`` (the state), ``rows.jsonl``, TensorBoard events and each finished part's
            weights as ``<part>.safetensors``. Made if missing.
        held_out: photographs for validation only.
        device: where to train.
        weights: what a recipe with ``begun_from`` begins from.
        schedule: how often to save, log and validate.
        watch: called in the first process after each step; may raise to stop, at the loss of unsaved steps.

    Returns:
        The run, at its end or where the schedule's seconds were over.
    """
    schedule = schedule or Schedule()
    if recipe.begun_from != ("" if weights is None else weights.card.sha256):
        raise ConfigError(
            f"{recipe.name} begins from weights {recipe.begun_from[:12] or '(none)'}, expected just these with --from"
        )
    rank, world = _place()
    for stage in recipe.stages:
        if stage.batch % world:
            raise ConfigError(f"a batch of {stage.batch} cannot be shared evenly by {world} processes; change one")
    output.mkdir(parents=True, exist_ok=True)
    run = Run(recipe, device)
    photos = Photos(pictures, device)
    source = source_of(recipe, psf, photos)
    checks = checks_of(recipe, psf, held_out)
    state = output / "last.pt"
    if state.exists():
        run.load(state)
    else:
        _begin(run, source, psf, weights)
    rows = Rows(output, active=rank == 0, stage=run.stage_number, step=run.step)
    spent = run.seconds

    def after(loss: float) -> bool:
        enough = schedule.seconds is not None and run.seconds - spent >= schedule.seconds
        if schedule.due(run.step, schedule.validate, run.stage.steps):
            with run.settled():
                run.validation.update(validate(run, checks))
        progress = _progress(run, loss)
        if schedule.due(run.step, schedule.log, run.stage.steps):
            row = {**asdict(progress), "stage_number": run.stage_number, "seconds": run.seconds}
            if recipe.network == "universal":
                row["columns"] = dict(run.validation)
            rows.add(row)
        if rank == 0 and (enough or schedule.due(run.step, schedule.save, run.stage.steps)):
            run.save(state)
        if rank == 0 and watch:
            watch(progress)
        return not enough

    def made(number: int) -> tuple[Tensor, ...]:
        # Every process makes the whole batch and keeps its share, so that the data do not depend on how many there
        # are; making a batch costs a few percent of learning from it.
        stage = run.stage
        share = slice(rank * stage.batch // world, (rank + 1) * stage.batch // world)
        whole = source.batch(run.stage_number, number, stage.batch, stage.patch)
        with autocast(device):
            return run.parts.prepared(stage, *(tensor[share] for tensor in whole))

    try:
        while True:
            train(run, Repeated(made, run.stage.repeats, recipe.seed), after)
            if run.step < run.stage.steps:
                break  # out of time
            run.settle()
            if rank == 0:
                publish(run, psf, output, photographs=len(photos), begun_from=weights)
            if run.finished:
                break
            run.next_stage()
            _begin(run, source, psf, weights)
    finally:
        rows.close()
    return run


@torch.no_grad()
def validate(run: Run, checks: list[Check]) -> dict[str, float]:
    """Mean PSNR in dB of the stage's part on fixed degraded pictures, and of each column where there are several."""
    return validation(run.parts, run.stage.part, checks)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows that a run has logged so far."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


@contextmanager
def processes(device: torch.device) -> Iterator[None]:
    """Join the other processes if torchrun started this one (gloo on CPU, NCCL on CUDA), and leave at the end."""
    if "RANK" not in os.environ:
        yield
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def _place() -> tuple[int, int]:
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def _begin(run: Run, source: Source, psf: Psf | None, weights: Weights | None) -> None:
    """Give the stage its starting weights; those of the paper's network are scaled on patches that no step sees."""
    if not isinstance(run.parts, Parts):
        if run.stage_number == 0:
            run.parts.begin(weights)
    elif psf is not None:
        blurred = source.batch(run.stage_number, -1, CALIBRATION_PATCHES, run.stage.patch)[0]
        begin(run.parts, run.recipe, run.stage_number, psf, blurred)


def _progress(run: Run, loss: float) -> Progress:
    stage = run.stage
    side = stage.patch - 2 * run.parts.margin(stage.part)
    pixels = run.step * stage.batch * side * side
    rate = pixels / max(run.seconds - run.stage_seconds, 1e-9)
    return Progress(
        stage=stage.part,
        step=run.step,
        steps=stage.steps,
        loss=loss,
        pixels_per_second=rate,
        flops=6 * rate * run.parts.multiply_adds(stage.part),
        validation=run.validation.get(stage.part),
    )
