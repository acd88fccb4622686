"""A whole comparison in one call: rows, tables and figures in one folder."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from unblur.benchmark.case import Case, stored_values
from unblur.benchmark.entry import Entry
from unblur.benchmark.plots import bars, strip
from unblur.benchmark.report import means, write_report
from unblur.benchmark.run import ROWS, Row, Told, file_name, run_cases
from unblur.benchmark.speed import Task, speed_table, speeds
from unblur.benchmark.tune import TUNED, tune, tune_lines
from unblur.errors import ConfigError


@dataclass(frozen=True)
class Comparison:
    """What a comparison found."""

    text: str
    """For people, Markdown."""
    found: dict[str, Any]
    """For programs: paths, and numbers by name."""


def compare(
    cases: Sequence[Case],
    entries: Sequence[Entry],
    folder: Path,
    *,
    device: torch.device,
    command: str,
    told: Told | None = None,
) -> Comparison:
    """Restore all cases by all entries; write rows, ``report.md``, and for each suite bars and picture strips.

    Args:
        cases: what to restore.
        entries: by what.
        folder: created where missing; an earlier comparison there goes on.
        device: where the restoration runs.
        command: what asked for it, named in the report.
        told: hears of the progress.

    Returns:
        The report, and the paths of ``report`` and ``rows`` with mean ``psnr`` and ``ssim`` by suite, entry and column.

    Raises:
        UnblurError: as :func:`unblur.benchmark.run.run_cases`.
    """
    rows = run_cases(cases, entries, folder, device=device, told=told)
    if not rows:
        raise ConfigError("every method refuses every PSF of these cases; there is nothing to compare")
    for suite in dict.fromkeys(row["suite"] for row in rows):
        mine = [row for row in rows if row["suite"] == suite]
        bars(mine, folder / f"{suite}.png")
        for column in dict.fromkeys(row["column"] for row in mine):
            _strip([row for row in mine if row["column"] == column], folder)
    text = write_report(rows, folder / "report.md", command=command)
    paths = {"report": str(folder / "report.md"), "rows": str(folder / ROWS)}
    return Comparison(text, {**paths, **{measure: means(rows, measure) for measure in ("psnr", "ssim")}})


def _strip(rows: Sequence[Row], folder: Path) -> None:
    """The first photograph of one column, as every entry restored it, beside the sharp one."""
    suite, column = rows[0]["suite"], file_name(rows[0]["column"])
    place = folder / "pictures" / suite / column
    shown = [row for row in rows if row["case"] == rows[0]["case"]]
    panels = [
        (f"{row['entry']}\n{row['psnr']:.2f} dB", stored_values(place / f"{file_name(row['entry'])}.png"))
        for row in shown
        if (place / f"{file_name(row['entry'])}.png").exists()
    ]
    if panels:
        strip([*panels, ("sharp\n", stored_values(place / "sharp.png"))], folder / f"{suite}-{column}.png")


def compare_speed(
    entries: Sequence[Entry], task: Task, folder: Path | None, *, command: str, told: Told | None = None
) -> Comparison:
    """Measure seconds and memory of all entries; the table also goes to ``folder/speed.md`` if there is a folder."""
    measured = speeds(entries, task, told=told)
    text = speed_table(measured, task, command=command)
    path = None if folder is None else folder / "speed.md"
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name("speed.md.part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    found = {"report": None if path is None else str(path)}
    return Comparison(text, {**found, "speed": {label: asdict(speed) for label, speed in measured.items()}})


def compare_settings(
    methods: Sequence[str], cases: Sequence[Case], folder: Path, *, device: torch.device, told: Told | None = None
) -> Comparison:
    """Choose settings of methods as :func:`unblur.benchmark.tune.tune` does."""
    chosen = tune(methods, cases, folder, device=device, told=told)
    return Comparison(tune_lines(chosen, folder), {"tuned": str(folder / TUNED), "settings": chosen})
