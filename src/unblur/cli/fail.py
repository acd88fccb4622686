"""How the command line says that something cannot be done: in one sentence, whatever happened."""

import errno
import logging
import sys
import warnings
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from unblur.errors import UnblurError

_INTERRUPTED = 130
"""Exit code of what Ctrl-C ended, as shells expect it."""


class Commands(TyperGroup):
    """The group of all commands: what the machine refuses, a disk or memory, ends as what the user can mend does."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        _hush_decoders()
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("unblur: stopped; what is finished is kept, the same command goes on or begins anew", err=True)
            raise typer.Exit(_INTERRUPTED) from None
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of a pipe has gone, which typer knows to be no failure
                raise
            fail(UnblurError(f"{error.filename or 'a file'}: {error.strerror or error}; check its name, space, rights"))
        except (MemoryError, RuntimeError) as error:
            if not is_shortage(error):
                raise
            fail(UnblurError("there is too little memory for this; try --memory 500M, a smaller tile or picture"))


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


def is_shortage(error: BaseException) -> bool:
    """Whether memory ran out, on the host or on a device."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error).lower() for words in ("can't allocate memory", "out of memory", "not enough memory")
    )


def _hush_decoders() -> None:
    """Leave out what libraries mutter over damaged files: what matters is said by the error or a note."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    for library in ("tifffile", "imagecodecs", "PIL"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
