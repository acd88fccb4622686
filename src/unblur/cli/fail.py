"""How the command line says that something cannot be done: in one sentence, whatever happened."""

import errno
import logging
import sys
import warnings
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from unblur.errors import UnblurError, machine_refusal

_INTERRUPTED = 130
"""Exit code of what Ctrl-C ended, as shells expect it."""


class Commands(TyperGroup):
    """The group of all commands: what the machine refuses, a disk or memory, ends as what the user can mend does."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the words; an interruption would end typer without one."""
        try:
            return super().make_context(*args, **extra)
        except KeyboardInterrupt:
            stopped()

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        _hush_decoders()
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            stopped()
        except (OSError, MemoryError, RuntimeError) as error:
            refusal = machine_refusal(error)
            # The reader of a pipe that has gone is no failure, as typer knows.
            if refusal is None or getattr(error, "errno", None) == errno.EPIPE:
                raise
            fail(refusal)


def stopped() -> NoReturn:
    """Say after Ctrl-C what is left and how to go on, and leave with exit code 130.

    Raises:
        SystemExit: always.
    """
    typer.echo("unblur: stopped; what is finished is kept, the same command goes on or begins anew", err=True)
    raise SystemExit(_INTERRUPTED) from None


def fail(error: UnblurError) -> NoReturn:
    """Say the error in one line on stderr and leave with exit code 2.

    Raises:
        typer.Exit: always.
    """
    say(f"unblur: {error}", err=True)
    raise typer.Exit(2)


def say(text: str, *, err: bool = False) -> None:
    """Print one line; what would break it or steer the terminal, from a file's name for instance, is shown as code."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    typer.echo(shown, err=err)


def _hush_decoders() -> None:
    """Leave out what libraries mutter over damaged files: what matters is said by the error or a note."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    for library in ("tifffile", "imagecodecs", "PIL"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
