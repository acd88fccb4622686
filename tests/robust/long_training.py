"""Training for hours, and whether the process grows.

    python -m tests.robust.long_training [--minutes 120] [--pause 1] [--allowed 8]

trains small networks on small pictures, the paper's and the universal one for half the time each, with saving, logging
and validation all along, and prints a line for each: how the resident memory went, and its slope over the second half.
Exit code 1 if one of them grew there by more than ``--allowed`` MB.
"""

import argparse
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from tests.robust.memory import Growth
from tests.train import test_universal
from tests.train.tiny import TINY, pictures
from unblur.psf.parametric import disk
from unblur.tensors import Psf
from unblur.train.config import Recipe, recipe_from
from unblur.train.launch import Progress, Schedule, train_recipe

CPU = torch.device("cpu")
ENDLESS = 10**9
"""Steps of a stage that no one waits for."""
SHORT = 40
"""Steps of the stages before the last, which are only passed through."""


@dataclass(frozen=True, kw_only=True)
class Grown:
    """What became of one training."""

    network: str
    steps: int
    seconds: float
    growth: Growth

    def __str__(self) -> str:
        """One line."""
        hourly = self.growth.slope() * 3600 / 1e6
        return (
            f"{self.network}: {self.steps} steps in {self.seconds / 60:.1f} minutes, {self.growth.described()}; "
            f"second half {self.growth.risen() / 1e6:+.2f} MB, {hourly:+.2f} MB an hour"
        )


def recipes() -> dict[str, tuple[Recipe, Psf | None]]:
    """Both families: every stage but the last is short, the last one has no end."""
    paper, any_psf = recipe_from(tomllib.loads(TINY)), recipe_from(tomllib.loads(test_universal.TINY))
    return {"paper's network": (_endless(paper), disk(1.5)), "universal network": (_endless(any_psf), None)}


def trained(name: str, seconds: float, pause: float) -> Grown:
    """Train one of :func:`recipes` for so long, noting the memory every ``pause`` seconds."""
    recipe, psf = recipes()[name]
    growth, begun, steps = Growth(), time.monotonic(), 0

    def watch(_: Progress) -> None:
        nonlocal steps
        steps += 1
        now = time.monotonic() - begun
        if not growth.places or now - growth.places[-1] >= pause:
            growth.note(now)

    with tempfile.TemporaryDirectory() as folder:
        _train(recipe, psf, Path(folder), watch, seconds)
    return Grown(network=name, steps=steps, seconds=time.monotonic() - begun, growth=growth)


def _train(recipe: Recipe, psf: Psf | None, folder: Path, watch: Callable[[Progress], None], seconds: float) -> None:
    schedule = Schedule(save=50, log=5, validate=100, seconds=seconds)
    held_out: list[Tensor] = [torch.nn.functional.interpolate(pictures()[0], scale_factor=1.5)]
    train_recipe(
        recipe, psf, pictures()[:3], folder, held_out=held_out, device=CPU, schedule=schedule, watch=watch
    )  # fmt: skip


def _endless(recipe: Recipe) -> Recipe:
    short = tuple(replace(stage, steps=SHORT) for stage in recipe.stages[:-1])
    return replace(recipe, stages=(*short, replace(recipe.stages[-1], steps=ENDLESS)))


def main() -> int:
    """Train, and tell; 1 if memory grew."""
    parser = argparse.ArgumentParser(description="Train for long and watch the memory.")
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--pause", type=float, default=1.0, help="Seconds between two looks at the memory.")
    parser.add_argument("--allowed", type=float, default=8.0, help="MB that may be added in the second half.")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    grew = False
    for name in recipes():
        ended = trained(name, asked.minutes * 60 / len(recipes()), asked.pause)
        print(ended, flush=True)  # noqa: T201
        grew |= ended.growth.risen() > asked.allowed * 1e6
    return int(grew)


if __name__ == "__main__":
    raise SystemExit(main())
