"""Seconds and memory for each megapixel, every method in a process of its own."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from unblur.benchmark.entry import INPUT, Entry
from unblur.benchmark.report import table
from unblur.devices import torch_device
from unblur.errors import ConfigError, UnblurError
from unblur.restoration import restore

FLOOR = Entry(label="FFT inverse", method="wiener", settings={"refills": 0})
"""What every deconvolution needs at least: one multiplication in the Fourier domain."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one process measures."""

    method: str = FLOOR.method
    settings: dict[str, Any] = field(default_factory=dict)
    psf: str = "disk:7"
    megapixels: float = 1.0
    """Size of the square picture, in millions of pixels."""
    colour: bool = False
    """Three planes instead of one."""
    threads: int | None = None
    """Threads of the CPU; None leaves the choice to torch."""
    device: str = "auto"
    repeats: int = 3
    """Restorations of which the median counts, after one to warm up."""

    def __post_init__(self) -> None:
        """Refuse sizes and counts that cannot be meant."""
        if not self.megapixels > 0:
            raise ConfigError(f"megapixels is {self.megapixels}, expected a number above 0")
        for name, value in (("threads", self.threads), ("repeats", self.repeats)):
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}, expected 1 or more")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What it took."""

    seconds: float
    """For one megapixel, the start of Python and the warming up left out."""
    peak: int
    """Bytes that the whole process held at most, Python and torch included."""
    device_peak: int
    """Bytes on the CUDA device at most; 0 without one."""


def measure(task: Task) -> Measured:
    """Measure in this very process, whose peak memory then includes all that it did before."""
    if task.threads is not None:
        torch.set_num_threads(task.threads)
    device = torch_device(task.device)
    side = max(1, round((task.megapixels * 1e6) ** 0.5))
    picture = _scene(side, planes=3 if task.colour else 1)
    times = []
    for _ in range(task.repeats + 1):
        began = time.perf_counter()
        restore(
            picture,
            task.psf,
            method=task.method,
            settings=task.settings,
            transfer="encoded",
            device=str(device),
        )
        times.append(time.perf_counter() - began)
    on_device = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    seconds = statistics.median(times[1:]) * 1e6 / side**2
    return Measured(seconds=seconds, peak=_peak_memory(), device_peak=on_device)


def _scene(side: int, *, planes: int) -> torch.Tensor:
    """A picture ``(planes, side, side)`` with structure at several scales and some noise; the same every time."""
    generator = torch.Generator().manual_seed(0)
    picture = torch.zeros(1, planes, side, side)
    for cells, strength in ((3, 0.5), (17, 0.3), (90, 0.2)):
        coarse = torch.rand(1, planes, cells, cells, generator=generator)
        picture += strength * torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
    return (picture + 0.01 * torch.randn(picture.shape, generator=generator)).clamp(0, 1)[0]


def _peak_memory() -> int:
    """Largest resident size of this process in bytes.

    Linux hands ``ru_maxrss`` down from the process that started this one, so the process's own mark is read there.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


def measure_apart(task: Task) -> Measured:
    """Measure in a fresh process.

    Raises:
        ConfigError: it failed; the message holds the last line that it wrote.
    """
    command = [sys.executable, "-m", "unblur.benchmark.speed", json.dumps(asdict(task))]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"]
        raise ConfigError(f"{task.method} could not be measured: {lines[-1]}")
    return Measured(**json.loads(answer.stdout.splitlines()[-1]))


def speed_report(
    entries: Sequence[Entry], task: Task, *, command: str, told: Callable[[int, int, str], None] | None = None
) -> str:
    """Measure every entry and put the results in a Markdown table.

    Args:
        entries: what to measure; the FFT inverse is always measured too, first.
        task: picture, PSF, threads and device; its method and settings are replaced by each entry's.
        command: what asked for it, for the reader to repeat.
        told: hears of the progress.
    """
    return speed_table(speeds(entries, task, told=told), task, command=command)


def speeds(
    entries: Sequence[Entry], task: Task, *, told: Callable[[int, int, str], None] | None = None
) -> dict[str, Measured]:
    """Measure every entry, the FFT inverse first; by label."""
    todo = [FLOOR, *(entry for entry in entries if entry.method != INPUT)]
    found: dict[str, Measured] = {}
    for done, entry in enumerate(todo):
        if told:
            told(done, len(todo), entry.label)
        settings = entry.all_settings()
        found[entry.label] = measure_apart(Task(**{**asdict(task), "method": entry.method, "settings": settings}))
    if told:
        told(len(todo), len(todo), "done")
    return found


def speed_table(measured: Mapping[str, Measured], task: Task, *, command: str) -> str:
    """What was measured, as a Markdown table; the first line is what the others are compared with."""
    floor = next(iter(measured.values())).seconds
    lines = {
        label: [
            _rounded(found.seconds),
            _rounded(found.seconds / floor),
            f"{found.peak / 1e6:.0f}",
            f"{found.device_peak / 1e6:.0f}" if found.device_peak else "-",
        ]
        for label, found in measured.items()
    }
    threads = f"{task.threads} threads" if task.threads else "torch's choice of threads"
    kind = "colour" if task.colour else "grey"
    return (
        "\n\n".join(
            [
                "# Speed",
                f"Made by `{command}`, torch {torch.__version__}, {threads}, device {torch_device(task.device)}.",
                f"A {kind} picture of {task.megapixels:g} megapixels, PSF {task.psf}; median of {task.repeats} "
                "restorations after one to warm up. Memory is the whole process's, Python and torch included.",
                table(["seconds per megapixel", "× FFT inverse", "peak memory, MB", "on the device, MB"], lines),
            ]
        )
        + "\n"
    )


def _rounded(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{float(f'{value:.3g}')}"


def _main() -> None:
    """Child of :func:`measure_apart`: a task as JSON in, what it took as JSON out."""
    try:
        found = measure(Task(**json.loads(sys.argv[1])))
    except UnblurError as error:
        sys.exit(str(error))
    sys.stdout.write(json.dumps(asdict(found)) + "\n")


if __name__ == "__main__":
    _main()
