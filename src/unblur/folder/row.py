"""What became of one photograph among many."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from unblur.errors import UnblurError, machine_refusal
from unblur.restoration import Outcome
from unblur.tensors import Report

Restoring = partial[Outcome]
"""``restore_file`` with all of its options but photograph, output, overwriting and progress."""
Told = Callable[[int | float, int, str], None]
"""Hears how many photographs are done (a share of one counts), how many there are, and which one is in hand."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One photograph: restored, skipped because an earlier run did it, or failed."""

    photo: str
    output: str
    state: Literal["restored", "skipped", "failed"]
    method: str | None = None
    seconds: float = 0.0
    """From the first byte read to the last one written."""
    notes: tuple[str, ...] = ()
    """What was converted or dropped on the way."""
    warnings: tuple[str, ...] = ()
    """Reasons to distrust the result."""
    error: str | None = None
    """Why it failed, with the file's name in it."""


def restored_row(
    photo: Path,
    output: Path,
    run: Restoring,
    *,
    overwrite: bool | None = None,
    make_folder: bool = False,
    alone: bool = False,
    report: Report | None = None,
) -> Row:
    """Restore one photograph; what cannot be restored becomes a row as well, so that the others go on.

    Args:
        photo: the blurred photograph.
        output: where the result goes.
        run: how it is restored.
        overwrite: replace an existing output; None leaves that to ``run``.
        make_folder: make the output's folder where it is missing.
        alone: there are no others: what the machine refuses is raised.
        report: told the share of this photograph that is done.

    Raises:
        OSError: and ``MemoryError`` or ``RuntimeError``: what the machine refuses, if ``alone``.
    """
    start = time.perf_counter()
    chosen = {} if overwrite is None else {"overwrite": overwrite}
    try:
        if make_folder:
            output.parent.mkdir(parents=True, exist_ok=True)
        outcome = run(photo, output, progress=report, **chosen)
    except UnblurError as error:
        reason = str(error)
    except (OSError, MemoryError, RuntimeError) as error:
        refusal = machine_refusal(error)
        if alone or refusal is None:
            raise
        reason = str(refusal)
    else:
        return Row(
            photo=str(photo),
            output=str(outcome.output),
            state="restored",
            method=outcome.method,
            seconds=outcome.seconds,
            notes=outcome.notes,
            warnings=outcome.warnings,
        )
    named = reason if str(photo) in reason else f"{photo}: {reason}"
    return Row(
        photo=str(photo),
        output=str(output),
        state="failed",
        seconds=time.perf_counter() - start,
        error=reason if alone else named,
    )
