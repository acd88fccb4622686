"""Batches that are learned from several times: every one as often, in an order that the step alone decides."""

from collections import Counter

import torch
from torch import Tensor

from unblur.train.repeat import WINDOW, Repeated


class Maker:
    """Makes batches that hold their number, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()

    def __call__(self, number: int) -> tuple[Tensor, ...]:
        self.asked[number] += 1
        return (torch.tensor(number),)


def numbers(batches: Repeated, first: int, last: int) -> list[int]:
    return [int(batches(step)[0]) for step in range(first, last)]


def test_every_batch_comes_as_often_and_is_made_once() -> None:
    make = Maker()

    seen = numbers(Repeated(make, 3, seed=1), 0, 2 * 3 * WINDOW)

    assert Counter(seen) == dict.fromkeys(range(2 * WINDOW), 3)
    assert set(make.asked.values()) == {1}
    assert seen[: 3 * WINDOW] != sorted(seen[: 3 * WINDOW])
    assert max(seen[: 3 * WINDOW]) < WINDOW, "no more than a window is kept"


def test_without_repeats_the_step_is_the_number() -> None:
    assert numbers(Repeated(Maker(), 1, seed=1), 5, 300) == list(range(5, 300))


def test_who_goes_on_in_the_middle_sees_what_would_have_come() -> None:
    whole = numbers(Repeated(Maker(), 2, seed=4), 0, 5 * WINDOW)

    assert numbers(Repeated(Maker(), 2, seed=4), 77, 5 * WINDOW) == whole[77:]
    assert numbers(Repeated(Maker(), 2, seed=5), 0, 5 * WINDOW) != whole
