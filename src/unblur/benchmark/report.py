"""Rows → tables in Markdown. Nothing is restored here."""

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unblur.benchmark.entry import INPUT

Row = Mapping[str, Any]
Cells = dict[str, dict[str, dict[str, float]]]
"""Entry → column → case → value."""
LISTED = 10
"""So many of the cases that a method made worse are named, the worst first."""


def write_report(rows: Sequence[Row], path: Path, *, command: str) -> str:
    """Write the tables of some rows, whole or not at all.

    Args:
        rows: from :func:`unblur.benchmark.run.run_cases`, of one or several suites.
        path: of the Markdown file.
        command: what made them, for the reader to repeat.

    Returns:
        What was written.
    """
    text = report(rows, command=command)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return text


def report(rows: Sequence[Row], *, command: str) -> str:
    """The tables of some rows: PSNR, its paired differences, and SSIM, for each suite."""
    parts = ["# Benchmark", f"Made by `{command}`, unblur {', '.join(_distinct(rows, 'version'))}."]
    for suite in _distinct(rows, "suite"):
        parts += _suite(suite, [row for row in rows if row["suite"] == suite])
    return "\n\n".join(parts) + "\n"


def _suite(suite: str, rows: Sequence[Row]) -> list[str]:
    columns = _distinct(rows, "column")
    quality, similarity = cells(rows, "psnr"), cells(rows, "ssim")
    count = max(len(cases) for by_column in quality.values() for cases in by_column.values())
    return [
        f"## {suite}",
        f"Up to {count} pictures in each column. {_conditions(rows)}",
        "PSNR in dB, mean ± standard deviation over the photographs; the best of each column is bold.",
        table(columns, {entry: _summaries(quality, entry, columns, digits=2) for entry in quality}),
        "Difference in PSNR from the best of each column, dB: paired over the same photographs, mean ± standard error.",
        table(columns, {entry: _differences(quality, entry, columns) for entry in quality}),
        *_worse(quality),
        *_fitted(rows, columns),
        "SSIM, mean ± standard deviation.",
        table(columns, {entry: _summaries(similarity, entry, columns, digits=3) for entry in similarity}),
        "Settings: " + "; ".join(_settings(rows, entry) for entry in quality) + ".",
    ]


def cells(rows: Sequence[Row], measure: str) -> Cells:
    """Values by entry, column and case, in the order of the rows; a later row replaces an earlier one."""
    found: Cells = {}
    for row in rows:
        found.setdefault(row["entry"], {}).setdefault(row["column"], {})[row["case"]] = float(row[measure])
    return found


def means(rows: Sequence[Row], measure: str) -> dict[str, dict[str, dict[str, float]]]:
    """Suite → entry → column → the mean of a measure."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for suite in _distinct(rows, "suite"):
        values = cells([row for row in rows if row["suite"] == suite], measure)
        found[suite] = {
            entry: {column: statistics.fmean(cases.values()) for column, cases in columns.items()}
            for entry, columns in values.items()
        }
    return found


def table(columns: Sequence[str], lines: Mapping[str, Sequence[str]]) -> str:
    """A Markdown table with names in the first column and ``-`` where nothing is known."""
    head = ["| |" + "".join(f" {column} |" for column in columns), "|---|" + "---:|" * len(columns)]
    return "\n".join([*head, *(f"| {name} |" + "".join(f" {cell} |" for cell in cs) for name, cs in lines.items())])


def best_entry(values: Cells, column: str) -> str | None:
    """The entry of highest mean in a column, among those that know all of its cases; None for an empty column."""
    means = {entry: statistics.fmean(by[column].values()) for entry, by in values.items() if column in by}
    most = max((len(values[entry][column]) for entry in means), default=0)
    whole = {entry: mean for entry, mean in means.items() if len(values[entry][column]) == most}
    return max(whole, key=lambda entry: whole[entry]) if whole else None


def _summaries(values: Cells, entry: str, columns: Sequence[str], *, digits: int) -> list[str]:
    """Mean ± standard deviation for each column."""
    texts = []
    for column in columns:
        known = list(values[entry].get(column, {}).values())
        if not known:
            texts.append("-")
            continue
        mean = f"{statistics.fmean(known):.{digits}f}"
        mean = f"**{mean}**" if entry == best_entry(values, column) else mean
        most = max(len(by.get(column, {})) for by in values.values())
        few = "" if len(known) == most else f" ({len(known)} of {most})"
        texts.append(f"{mean} ± {_deviation(known):.{digits}f}{few}")
    return texts


def _differences(values: Cells, entry: str, columns: Sequence[str]) -> list[str]:
    """Mean difference from the best entry ± its standard error for each column."""
    texts = []
    for column in columns:
        best, mine = best_entry(values, column), values[entry].get(column, {})
        if best is None or not mine:
            texts.append("-")
        elif entry == best:
            texts.append("**best**")
        else:
            pairs = [mine[case] - other for case, other in values[best][column].items() if case in mine]
            texts.append(_paired(pairs))
    return texts


def _worse(values: Cells) -> list[str]:
    """How often each entry's result is worse than the degraded picture itself, each such case with what it lost."""
    lines = []
    for entry, columns in values.items():
        pairs = [
            (case, value - values.get(INPUT, {}).get(column, {}).get(case, math.nan))
            for column, cases in columns.items()
            for case, value in cases.items()
        ]
        losses = sorted((gained, case) for case, gained in pairs if gained < 0)
        if entry != INPUT and any(not math.isnan(gained) for _, gained in pairs):
            named = "; ".join(f"{case} {gained:+.2f} dB" for gained, case in losses[:LISTED])
            more = f"; and {len(losses) - LISTED} more" if len(losses) > LISTED else ""
            lines.append(f"- {entry}: {len(losses)} of {len(pairs)}" + (f" ({named}{more})" if losses else ""))
    return ["Cases in which the result is worse than the degraded picture:", "\n".join(lines)] if lines else []


def _paired(differences: Sequence[float]) -> str:
    if not differences:
        return "-"
    error = _deviation(differences) / math.sqrt(len(differences))
    return f"{statistics.fmean(differences):+.2f} ± {error:.2f}"


def _deviation(values: Sequence[float]) -> float:
    """Of a sample; 0 for a single value, unknown where one is infinite (a perfect restoration)."""
    if not all(map(math.isfinite, values)):
        return math.nan
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _distinct(rows: Sequence[Row], key: str) -> list[str]:
    return list(dict.fromkeys(row[key] for row in rows))


def _conditions(rows: Sequence[Row]) -> str:
    """What the camera did, and whether some pictures are smaller than asked for."""
    columns = _distinct(rows, "column")
    cameras = {column: _camera(_first(rows, column)) for column in columns}
    alike = len(set(cameras.values())) == 1
    camera = cameras[columns[0]] if alike else "; ".join(f"{column}: {cameras[column]}" for column in columns)
    psfs = "; ".join(dict.fromkeys(_psfs([row for row in rows if row["column"] == column]) for column in columns))
    side = rows[0]["side"]
    small = {row["case"] for row in rows if side is not None and row["size"] != [side, side]}
    notice = f" {len(small)} cases come from photographs too small for {side} × {side} pixels." if small else ""
    rim = {str(row.get("crop", "half a PSF")) for row in rows}
    judged = f" Not judged at each side: {', '.join(rim)} pixels." if rim != {"half a PSF"} else ""
    return f"Camera: {camera}. PSF: {psfs}.{judged}{notice}"


def _camera(row: Row) -> str:
    """How a picture was taken, in words."""
    if "capture" in row:
        return "a real one"
    camera = row["camera"]
    facts = [f"blur in {camera['transfer']} light", f"noise {camera['noise']:g}"]
    facts.append("no JPEG" if camera["jpeg"] is None else f"JPEG {camera['jpeg']:g}")
    if camera["lights"] != 1:
        facts.append(f"lights {camera['lights']:g} × white")
    if row.get("frame") == "same":
        facts.append("rim repeated and tapered")
    return ", ".join(facts)


def _psfs(rows: Sequence[Row]) -> str:
    """The PSF of a column, what methods were told in its place, or how many there are."""
    names = _distinct(rows, "psf")
    if len(names) > 1:
        return f"{len(names)} of them"
    wrong = rows[0].get("misjudged") or {}
    told = [f"told {wrong['psf']}"] if wrong.get("psf") else []
    told += [f"turned by {wrong['turn']:g}°"] if wrong.get("turn") else []
    told += [f"moved by {wrong['right']} px"] if wrong.get("right") else []
    return f"{rows[0]['column']}: {names[0]}" + (f" ({', '.join(told)})" if told else "")


def _fitted(rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    """A table of PSNR after the best exposure, where rows have it."""
    known = [row for row in rows if "psnr_fitted" in row]
    if not known:
        return []
    values = cells(known, "psnr_fitted")
    lines = {entry: _summaries(values, entry, columns, digits=2) for entry in values}
    return ["PSNR in dB after the exposure that fits best, mean ± standard deviation.", table(columns, lines)]


def _first(rows: Sequence[Row], column: str) -> Row:
    return next(row for row in rows if row["column"] == column)


def _settings(rows: Sequence[Row], entry: str) -> str:
    settings = next(row for row in rows if row["entry"] == entry)["settings"]
    return f"{entry} ({', '.join(f'{key} {value}' for key, value in settings.items()) or 'none'})"
