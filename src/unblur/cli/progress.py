"""What commands that run for long share: a bar with the time left, and the command as it was typed."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unblur.tensors import Report


def typed() -> str:
    """The command line as the user would type it again."""
    return shlex.join(["unblur", *sys.argv[1:]])


class Bar:
    """A bar on stderr with what is done, the time left, and what is in hand; not shown where nobody looks at it.

    Args:
        quiet: never show it.
    """

    def __init__(self, *, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
        # Redirected, what is printed meanwhile for a file or a pipe would land beside the bar.
        self._bar = Progress(
            *columns,
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=quiet or not console.is_terminal,
        )
        self._line = self._bar.add_task("", total=None)

    def __call__(self, done: int | float, total: int, text: str) -> None:
        """Show how far the work is, ``done`` of ``total``, and what is in hand."""
        from rich.markup import escape

        self._bar.start()  # only now: a refused command line should be one line
        self._bar.update(self._line, completed=done, total=total, description=escape(text))

    def stop(self) -> None:
        """Take the bar away."""
        if self._bar.live.is_started:
            self._bar.stop()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Out of the way, while something is printed."""
        shown = self._bar.live.is_started
        self.stop()
        yield
        if shown:
            self._bar.start()


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Bar]:
    """A bar that vanishes when the work is done."""
    bar = Bar(quiet=quiet)
    try:
        yield bar
    finally:
        bar.stop()


@contextmanager
def percent(label: str, *, quiet: bool) -> "Iterator[Report]":
    """A bar in percent, for what tells the share that is done."""
    with progress(quiet=quiet) as told:
        yield lambda share: told(round(100 * share), 100, label)
