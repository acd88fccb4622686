"""A run's whole state and the one file that holds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from unblur.errors import ConfigError, WeightsError
from unblur.train.config import Recipe, Stage
from unblur.train.family import Family, family_of
from unblur.train.optimizer import KernelMuon, optimizer_for
from unblur.train.state import write_whole


class Run:
    """Where a training run stands: weights, optimiser, stage and step. The data position follows from the last two.

    Args:
        recipe: what is trained.
        device: where.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe = recipe
        self.device = device
        self.parts: Family = family_of(recipe).to(device)
        self.stage_number = 0
        self.step = 0
        self.seconds = 0.0
        """Time spent in training steps, over all resumptions."""
        self.stage_seconds = 0.0
        """Of these, what was spent before this stage."""
        self.validation: dict[str, float] = {}
        """Last validation PSNR of each part, dB."""
        self.optimizer = self._optimizer()
        self.average: AveragedModel | None = None
        """Running mean of the stage's weights, if it wants one."""

    @property
    def stage(self) -> Stage:
        """The stage that is being trained."""
        return self.recipe.stages[self.stage_number]

    @property
    def finished(self) -> bool:
        """Whether the last stage's last step is done."""
        return self.stage_number == len(self.recipe.stages) - 1 and self.step >= self.stage.steps

    def next_stage(self) -> None:
        """Move on to the next stage's beginning, with a fresh optimiser."""
        self.stage_number += 1
        self.step = 0
        self.stage_seconds = self.seconds
        self.optimizer = self._optimizer()
        self.average = None

    def note_average(self) -> None:
        """Let the weights after a step count in their running mean, if the stage wants one."""
        kept = self.stage.average
        if not kept:
            return
        part = self.parts.part(self.stage.part)
        if self.average is None:
            self.average = _average_of(part, kept)
        self.average.update_parameters(part)

    def settle(self) -> None:
        """Put the running mean, if there is one, in the place of the weights."""
        if self.average is not None:
            self.parts.part(self.stage.part).load_state_dict(self.average.module.state_dict())

    @contextmanager
    def settled(self) -> Iterator[None]:
        """The running mean, if there is one, in the place of the weights for a while."""
        if self.average is None:
            yield
            return
        part = self.parts.part(self.stage.part)
        last = {name: tensor.clone() for name, tensor in part.state_dict().items()}
        self.settle()
        try:
            yield
        finally:
            part.load_state_dict(last)

    def _optimizer(self) -> torch.optim.Optimizer | KernelMuon:
        return optimizer_for(self.stage.optimizer or self.recipe.optimizer, self.parts.groups(self.stage))

    def save(self, path: Path) -> None:
        """Write everything beside ``path``, then rename: a kill leaves the old state or the new one, never half.

        Raises:
            WeightsError: the disk refuses; the old state is kept.
        """
        state = {
            "recipe": self.recipe.digest(),
            "parts": self.parts.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "stage": self.stage_number,
            "step": self.step,
            "seconds": self.seconds,
            "stage_seconds": self.stage_seconds,
            "validation": self.validation,
            "average": None if self.average is None else self.average.state_dict(),
        }
        write_whole(path, state)

    def load(self, path: Path) -> None:
        """Take over a state that :meth:`save` wrote.

        Raises:
            WeightsError: the file is damaged.
            ConfigError: it belongs to another recipe.
        """
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            recipe, number = state["recipe"], state["stage"]
        except Exception as error:  # the reader raises anything over a damaged file
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise WeightsError(f"{path}: not a training state ({reason}); remove it to start afresh") from None
        if recipe != self.recipe.digest():
            raise ConfigError(
                f"{path} was made by recipe {recipe[:12]}, this one is {self.recipe.digest()[:12]}; "
                "use the same recipe and PSF, or another output folder"
            )
        while self.stage_number < number:
            self.next_stage()
        self.parts.load_state_dict(state["parts"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.stage_seconds = state["step"], state["seconds"], state["stage_seconds"]
        self.validation = dict(state["validation"])
        if state.get("average") is not None:
            self.average = _average_of(self.parts.part(self.stage.part), self.stage.average)
            self.average.load_state_dict(state["average"])


def _average_of(part: nn.Module, kept: float) -> AveragedModel:
    """A running mean of a part's weights; its first few steps are forgotten sooner than ``kept`` says."""

    def moved(mean: Tensor, now: Tensor, count: Tensor | int) -> Tensor:
        return mean.lerp(now, 1 - min(kept, (1 + float(count)) / (10 + float(count))))

    return AveragedModel(part, avg_fn=moved)
