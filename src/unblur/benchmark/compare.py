"""A whole comparison in one call: rows, tables and figures in one folder."""

from collections.abc import Sequence
from pathlib import Path

import torch

from unblur.benchmark.case import Case, stored_values
from unblur.benchmark.entry import Entry
from unblur.benchmark.plots import bars, strip
from unblur.benchmark.report import write_report
from unblur.benchmark.run import Row, Told, file_name, run_cases
from unblur.benchmark.speed import Task, speed_report
from unblur.errors import ConfigError


def compare(
    cases: Sequence[Case],
    entries: Sequence[Entry],
    folder: Path,
    *,
    device: torch.device,
    command: str,
    told: Told | None = None,
) -> str:
    """Restore all cases by all entries; write rows, ``report.md``, and for each suite bars and picture strips.

    Args:
        cases: what to restore.
        entries: by what.
        folder: created where missing; an earlier comparison there goes on.
        device: where the restoration runs.
        command: what asked for it, named in the report.
        told: hears of the progress.

    Returns:
        The report in Markdown.

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
    return write_report(rows, folder / "report.md", command=command)


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
) -> str:
    """Measure seconds and memory of all entries; the table also goes to ``folder/speed.md`` if there is a folder."""
    text = speed_report(entries, task, command=command, told=told)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / "speed.md.part"
        part.write_text(text, encoding="utf-8")
        part.replace(folder / "speed.md")
    return text
