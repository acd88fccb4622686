"""A process that restores picture after picture, or trains on and on, does not grow."""

import mmap

import pytest

from tests.robust.long_run import ALLOWED, slope
from tests.robust.long_training import recipes, trained
from tests.robust.memory import Growth, held


@pytest.mark.slow
def test_a_hundred_pictures_leave_no_memory_behind() -> None:
    assert slope(100)["bytes_per_picture"] < ALLOWED


@pytest.mark.parametrize("name", recipes())
def test_training_on_and_on_saves_validates_and_is_watched(name: str) -> None:
    ended = trained(name, seconds=1.0, pause=0.0)

    assert ended.steps > 4
    assert len(ended.growth.sizes) == ended.steps
    assert str(ended).startswith(name)


def test_growth_is_seen_and_its_absence_too() -> None:
    growth, kept = Growth(), list[mmap.mmap | None]()
    for number in range(40):
        kept.append(mmap.mmap(-1, 1_000_000) if number >= 10 else None)  # not from what the heap has left
        if kept[-1]:
            kept[-1].write(bytes([120]) * 1_000_000)
        growth.note(number)
    assert growth.slope() == pytest.approx(1_000_000, rel=0.3)
    assert growth.risen() > 10_000_000

    flat = Growth()
    for number in range(40):
        flat.note(number)
    assert abs(flat.risen()) < 2_000_000
    assert held() > 30_000_000
