"""Batches that are learned from several times, so that what is costly in making them counts less."""

from collections.abc import Callable

import torch
from torch import Tensor

from unblur.train.data import mixed_seed

WINDOW = 64
"""So many batches are kept at a time, and come in shuffled order."""


class Repeated:
    """Asks for each batch once and hands it out several times.

    Which batch comes at a step depends on the seed and the step alone: a run that goes on from a saved state sees the
    batches that it would have seen. It makes again at most :data:`WINDOW` of them.

    Args:
        make: the batch of a number.
        repeats: how often each is handed out, 1 or more.
        seed: of the order.
    """

    def __init__(self, make: Callable[[int], tuple[Tensor, ...]], repeats: int, seed: int) -> None:
        self.make, self.repeats, self.seed = make, repeats, seed
        self.window = -1
        self.order: list[int] = []
        self.kept: dict[int, tuple[Tensor, ...]] = {}

    def __call__(self, step: int) -> tuple[Tensor, ...]:
        """The batch of a step, 0 or more."""
        if self.repeats == 1:
            return self.make(step)
        window, place = divmod(step, WINDOW * self.repeats)
        if window != self.window:
            draw = torch.Generator().manual_seed(mixed_seed(self.seed, self.repeats, window))
            shuffled = torch.randperm(WINDOW * self.repeats, generator=draw) % WINDOW
            self.window, self.order = window, (window * WINDOW + shuffled).tolist()
            self.kept.clear()
        number = self.order[place]
        if number not in self.kept:
            self.kept[number] = self.make(number)
        return self.kept[number]
