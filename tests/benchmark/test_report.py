"""Tables: the numbers in them, and what stands where there is none."""

import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from unblur.benchmark.report import best_entry, cells, report, write_report


def row(entry: str, column: str, photo: str, psnr: float, **more: Any) -> dict[str, Any]:
    """A row as the benchmark writes it."""
    return {
        "suite": "paper",
        "case": f"paper/{column}/{photo}",
        "column": column,
        "photo": photo,
        "entry": entry,
        "psnr": psnr,
        "ssim": psnr / 40,
        "psf": "disk:7",
        "camera": {"transfer": "encoded", "noise": 0.01, "jpeg": 75, "lights": 1.0},
        "side": 384,
        "size": [384, 384],
        "settings": {"refills": 2},
        "version": "0.1.0",
        **more,
    }


ROWS = [
    row(entry, column, photo, psnr)
    for entry, column, values in (
        ("input", "disk", (20.0, 24.0, 22.0)),
        ("wiener", "disk", (25.0, 26.0, 28.5)),
        ("odcnn", "disk", (26.0, 26.5, 31.0)),
        ("input", "motion", (21.0, 23.0, 22.0)),
        ("wiener", "motion", (27.0, 29.0, 31.0)),
    )
    for photo, psnr in zip("abc", values, strict=True)
]


def line(text: str, table: int, name: str) -> list[str]:
    """Cells of one line of the table of that number."""
    tables = [part for part in text.split("\n\n") if part.startswith("| |")]
    [found] = [row for row in tables[table].splitlines() if row.startswith(f"| {name} |")]
    return [cell.strip() for cell in found.strip("|").split("|")[1:]]


def test_a_cell_is_the_mean_and_the_standard_deviation_over_photographs() -> None:
    text = report(ROWS, command="c")

    values = [25.0, 26.0, 28.5]
    assert line(text, 0, "wiener")[0] == f"{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}"
    assert line(text, 2, "input")[1] == "0.550 ± 0.025"


def test_the_best_of_each_column_is_bold_and_what_is_missing_is_a_dash() -> None:
    text = report(ROWS, command="c")

    assert [cell.startswith("**") for cell in line(text, 0, "odcnn")] == [True, False]
    assert [cell.startswith("**") for cell in line(text, 0, "wiener")] == [False, True]
    assert line(text, 0, "odcnn")[1] == "-"
    assert line(text, 1, "odcnn") == ["**best**", "-"]


def test_differences_are_paired() -> None:
    text = report(ROWS, command="c")

    pairs = np.array([25.0, 26.0, 28.5]) - np.array([26.0, 26.5, 31.0])
    assert line(text, 1, "wiener")[0] == f"{pairs.mean():+.2f} ± {stats.sem(pairs):.2f}"


def test_what_became_worse_is_counted_and_named_with_its_loss() -> None:
    worse = [row("wiener", "disk", "a", 19.5), *(r for r in ROWS if r["photo"] != "a" or r["entry"] != "wiener")]

    [listed] = [part for part in report(worse, command="c").split("\n\n") if part.startswith("- wiener")]

    assert listed.splitlines() == ["- wiener: 1 of 5 (paper/disk/a -0.50 dB)", "- odcnn: 0 of 3"]


def test_of_many_that_became_worse_the_worst_are_named() -> None:
    many = [
        row(*of, 20.0 + (of[0] == "input") * n)
        for n in range(1, 13)
        for of in (("input", "d", f"{n}"), ("w", "d", f"{n}"))
    ]

    text = report(many, command="c")

    assert "- w: 12 of 12 (paper/d/12 -12.00 dB; paper/d/11 -11.00 dB;" in text
    assert "paper/d/3 -3.00 dB; and 2 more)" in text


def test_lines_and_columns_keep_the_order_of_the_rows() -> None:
    text = report(ROWS, command="c")

    first = next(part for part in text.split("\n\n") if part.startswith("| |")).splitlines()
    assert first[0] == "| | disk | motion |"
    assert [name.split("|")[1].strip() for name in first[2:]] == ["input", "wiener", "odcnn"]


def test_an_entry_with_few_of_the_photographs_is_marked_and_never_best() -> None:
    rows = [*ROWS, row("lucky", "disk", "c", 40.0)]

    text = report(rows, command="c")

    assert line(text, 0, "lucky")[0] == "40.00 ± 0.00 (1 of 3)"
    assert best_entry(cells(rows, "psnr"), "disk") == "odcnn"
    assert line(text, 1, "lucky")[0] == "+9.00 ± 0.00", "paired over the one photograph that both know"


def test_a_later_row_replaces_an_earlier_one() -> None:
    rows = [*ROWS, row("wiener", "disk", "a", 30.0)]

    assert cells(rows, "psnr")["wiener"]["disk"]["paper/disk/a"] == 30


def test_perfect_restorations_do_not_break_the_table() -> None:
    rows = [row("delta", "disk", photo, math.inf) for photo in "ab"]

    assert line(report(rows, command="c"), 0, "delta")[0] == "**inf** ± nan"


def test_the_conditions_are_told() -> None:
    small = [row("wiener", "disk", "d", 25.0, size=[320, 384])]

    text = report([*ROWS, *small], command="unblur benchmark paper")

    assert "`unblur benchmark paper`" in text
    assert "unblur 0.1.0" in text
    assert "encoded light, noise 0.01, JPEG 75" in text
    assert "1 cases come from photographs too small for 384 × 384" in text
    assert "wiener (refills 2)" in text


def test_each_suite_has_its_own_tables() -> None:
    rows = [*ROWS, row("wiener", "disk", "a", 22.0, suite="lights")]

    text = report(rows, command="c")

    assert text.index("## paper") < text.index("## lights")
    assert line(text, 3, "wiener") == ["**22.00** ± 0.00"]


def test_the_report_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.md"
    text = write_report(ROWS, path, command="c")
    assert path.read_text() == text

    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_report(ROWS[:3], path, command="c")

    assert path.read_text() == text


def test_a_single_photograph_has_no_spread() -> None:
    text = report(ROWS[:1], command="c")

    assert line(text, 0, "input")[0] == f"**{statistics.fmean([20.0]):.2f}** ± 0.00"
