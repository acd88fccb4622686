"""What commands that run for long share: a bar with the time left, and the command as it was typed."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def typed() -> str:
    """The command line as the user would type it again."""
    return shlex.join(["unblur", *sys.argv[1:]])


@contextmanager
def progress() -> Iterator[Callable[[int, int, str], None]]:
    """A bar on stderr with what is done, the time left, and what is in hand."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    line = bar.add_task("", total=None)

    def told(done: int, total: int, text: str) -> None:
        bar.start()  # only now: a refused command line should be one line
        bar.update(line, completed=done, total=total, description=text)

    try:
        yield told
    finally:
        if bar.live.is_started:
            bar.stop()
