"""Table 1: four columns, all methods, and how far ours lie ahead of the best other, or behind."""

import math
import statistics
from collections.abc import Mapping, Sequence

from unblur.benchmark.report import Cells, best_entry, cells
from unblur.benchmark.run import Row
from unblur.reproduce.document import Section, Table, Text
from unblur.reproduce.lines import OWN, PAPER, Line, missing, sources, with_input
from unblur.reproduce.study import Job, Study

COLUMNS = {
    "disk": "disk",
    "disk-sat": "disk, saturated",
    "motion": "motion",
    "motion-sat": "motion, saturated",
}
TRAINED_RIVALS = ("epll", "crf-cascade", "mlp", "ssdae", "eigen-cnn")
OURS = ("odcnn", "universal")


def jobs(study: Study) -> list[Job]:
    """Every case by every line."""
    return [Job(cases=study.cases, entries=with_input(study.lines))]


def section(study: Study, rows: Sequence[Row]) -> Section:
    """The table from its rows, the margins, and the paper's numbers."""
    values = cells(rows, "psnr")
    absent = missing(TRAINED_RIVALS)
    without = f"No weights come with this version for {_listed(absent)}." if absent else ""
    given = "; ".join(f"`{name}`: {source}" for name, source in sources(study.lines).items())
    return Section(
        title="Table 1",
        blocks=[
            Text(
                words=f"PSNR in dB, mean ± standard deviation over {len(study.photos)} photographs; the best of each "
                "column is bold, - where no network knows the PSF. \"authors'\" are the settings that a method's "
                'authors give, "tuned" those chosen on validation pictures, "ours" this package\'s defaults; a name '
                f"alone means that there is one choice only. {without}"
            ),
            Table(
                columns=list(COLUMNS.values()),
                lines={entry: [summary(values, entry, c) for c in COLUMNS] for entry in values},
            ),
            Text(
                words="Margin over the best other method, dB: paired over the same photographs, mean ± standard "
                "error; in brackets the other."
            ),
            Table(columns=list(COLUMNS.values()), lines=_margins(values, study.lines)),
            Text(words="What the paper printed, dB, on other pictures with PSFs and cameras of the same kind:"),
            Table(columns=list(COLUMNS.values()), lines=_paper()),
            Text(words=f"Where the authors' settings come from. {given or 'None of these methods has any'}."),
        ],
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def summary(values: Cells, entry: str, column: str) -> str:
    """Mean ± standard deviation, bold for the best of the column; - where nothing is known."""
    known = list(values[entry].get(column, {}).values())
    if not known:
        return "-"
    mean = f"{statistics.fmean(known):.2f}"
    spread = statistics.stdev(known) if len(known) > 1 and all(map(math.isfinite, known)) else 0.0
    return f"**{mean}** ± {spread:.2f}" if entry == best_entry(values, column) else f"{mean} ± {spread:.2f}"


def _margins(values: Cells, lines: Sequence[Line]) -> dict[str, list[str]]:
    """Ours against the best rival, at authors' settings and tuned."""
    found: dict[str, list[str]] = {}
    for kind, words in (("standard", "others at authors' settings"), ("tuned", "others tuned or at our defaults")):
        rivals = [line.entry.label for line in lines if getattr(line, kind) and line.entry.method not in OWN]
        for name in OURS:
            mine = [line.entry.label for line in lines if getattr(line, kind) and line.entry.method == name]
            if mine and rivals:
                found[f"`{name}`, {words}"] = [margin(values, mine[0], rivals, column) for column in COLUMNS]
    return found


def margin(values: Cells, mine: str, rivals: Sequence[str], column: str) -> str:
    """Paired difference between one entry and the best of some others in a column, in words.

    Args:
        values: PSNR by entry, column and case.
        mine: label of the entry.
        rivals: labels of the others; the one of highest mean counts.
        column: of the table.
    """
    own = values.get(mine, {}).get(column, {})
    best = best_entry({label: values[label] for label in rivals if label in values}, column)
    if best is None or not own:
        return "-"
    pairs = [own[case] - other for case, other in values[best][column].items() if case in own]
    error = statistics.stdev(pairs) / math.sqrt(len(pairs)) if len(pairs) > 1 else 0.0
    return f"{statistics.fmean(pairs):+.2f} ± {error:.2f} ({best})"


def _paper(printed: Mapping[str, Sequence[float]] = PAPER) -> dict[str, list[str]]:
    """The paper's table, the best of each column bold, and its margin."""
    *others, theirs = printed
    top = [max(column) for column in zip(*printed.values(), strict=True)]
    lines = {
        name: [f"**{value:.2f}**" if value == best else f"{value:.2f}" for value, best in zip(row, top, strict=True)]
        for name, row in printed.items()
    }
    rivals = zip(*(printed[name] for name in others), strict=True)
    ahead = [mine - max(column) for mine, column in zip(printed[theirs], rivals, strict=True)]
    return {**lines, "their margin over the best other": [f"{value:+.2f}" for value in ahead]}
