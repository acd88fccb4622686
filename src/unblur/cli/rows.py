"""What ``unblur restore`` says of one photograph and of many, and the exit code that follows."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer

from unblur.cli.fail import fail, say
from unblur.cli.output import tell_json
from unblur.cli.progress import Bar, progress
from unblur.errors import UnblurError

if TYPE_CHECKING:
    from unblur.folder.row import Row


def tell_rows(rows: "Callable[[Bar], Iterator[Row]]", *, alone: bool, as_json: bool, quiet: bool) -> None:
    """Print rows as they come; failures once more at the end, with exit code 1, or 2 where there was one photograph.

    Args:
        rows: told a bar, restores; one row for each photograph.
        alone: there is one photograph, and it was named.
        as_json: one line of JSON for each row.
        quiet: no bar and no text but warnings and errors.

    Raises:
        typer.Exit: some failed.
    """
    failures: list[str] = []
    counts = {"restored": 0, "skipped": 0, "failed": 0}
    with progress(quiet=quiet) as bar:
        for row in rows(bar):
            counts[row.state] += 1
            if row.error is not None:
                failures.append(row.error)
            with bar.aside():
                _tell(row, as_json=as_json, quiet=quiet)
    if alone and failures:
        fail(UnblurError(failures[0]))
    for failure in failures:
        say(f"unblur: {failure}", err=True)
    if counts["skipped"] and not quiet:
        say(f"unblur: {counts['restored']} restored, {counts['skipped']} were done before", err=True)
    if failures:
        say(f"unblur: {len(failures)} of {sum(counts.values())} photographs failed", err=True)
        raise typer.Exit(1)


def _tell(row: "Row", *, as_json: bool, quiet: bool) -> None:
    """One photograph: a line on stdout, its warnings on stderr."""
    if as_json:
        tell_json(dataclasses.asdict(row))
    elif row.state == "restored" and not quiet:
        say("  ".join([row.output, str(row.method), f"{row.seconds:.1f} s", *row.notes]))
    if row.state == "restored":
        for warning in row.warnings:
            say(f"unblur: {row.photo}: {warning}", err=True)
