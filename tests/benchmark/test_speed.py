"""Seconds and memory: that they are measured at all, apart, and told. No test asserts how fast anything is."""

import time

import pytest
import torch

from unblur.benchmark import speed
from unblur.benchmark.entry import Entry
from unblur.benchmark.speed import FLOOR, Measured, Task, measure, measure_apart, speed_report, speed_table
from unblur.errors import ConfigError

TINY = {"psf": "disk:2", "megapixels": 0.01, "threads": 1, "device": "cpu", "repeats": 1}


def test_a_process_of_its_own_knows_its_own_memory_only() -> None:
    ballast = torch.ones(150_000_000)  # 600 MB in this process, which a child must not be charged with

    found = measure_apart(Task(method="wiener", settings={"refills": 0}, **TINY))  # type: ignore[arg-type]

    here = speed._peak_memory()
    assert here > ballast.nbytes
    assert 50e6 < found.peak < here - 100e6
    assert found.seconds > 0
    assert found.device_peak == 0


def test_seconds_are_reckoned_for_a_megapixel(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    threads = torch.get_num_threads()

    found = measure(Task(method="wiener", settings={}, **TINY))  # type: ignore[arg-type]

    torch.set_num_threads(threads)
    assert found.seconds == 100, "one tick for a hundredth of a megapixel"


def test_the_median_counts_and_the_warming_up_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "restore", lambda *_, **__: None)
    times = iter([0, 90, 100, 101, 200, 205, 300, 303])
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(times)))

    assert measure(Task(megapixels=1.0, device="cpu")).seconds == 3


@pytest.mark.parametrize(("colour", "shape"), [(False, (1, 100, 100)), (True, (3, 100, 100))])
def test_a_picture_is_grey_unless_colour_is_wanted(
    colour: bool, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []
    monkeypatch.setattr(speed, "restore", lambda picture, *_, **__: seen.append(tuple(picture.shape)))

    measure(Task(megapixels=0.01, colour=colour, device="cpu", repeats=1))

    assert seen == [shape, shape]
    told = speed_table({"x": Measured(seconds=1.0, peak=1, device_peak=0)}, Task(colour=colour), command="x")
    assert ("A colour picture of 1 megapixels" if colour else "A grey picture of 1 megapixels") in told


def test_a_failure_is_told_in_its_own_words() -> None:
    with pytest.raises(ConfigError, match=r"wiener could not be measured: .*disc"):
        measure_apart(Task(**{**TINY, "psf": "disc:2"}))  # type: ignore[arg-type]


def test_the_table_starts_with_the_fft_inverse_and_gives_ratios_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Task] = []

    def pretend(task: Task) -> Measured:
        asked.append(task)
        return Measured(seconds=0.2 if task.settings["refills"] == 0 else 0.5, peak=400_000_000, device_peak=0)

    monkeypatch.setattr(speed, "measure_apart", pretend)
    told: list[tuple[int, int, str]] = []
    entries = [Entry(label="input", method="input"), Entry(label="wiener", method="wiener")]

    text = speed_report(
        entries, Task(threads=2, device="cpu"), command="unblur x", told=lambda *facts: told.append(facts)
    )

    assert [task.method for task in asked] == [FLOOR.method, "wiener"]
    assert all(task.threads == 2 for task in asked)
    assert "| FFT inverse | 0.2 | 1.0 | 400 | - |" in text
    assert "| wiener | 0.5 | 2.5 | 400 | - |" in text
    assert "`unblur x`" in text
    assert "2 threads" in text
    assert told[-1] == (2, 2, "done")


@pytest.mark.parametrize("wrong", [{"megapixels": 0.0}, {"threads": 0}, {"repeats": 0}])
def test_sizes_and_counts_that_cannot_be_meant_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        Task(**wrong)  # type: ignore[arg-type]
