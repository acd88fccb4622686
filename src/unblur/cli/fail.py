"""How the command line says that something cannot be done."""

from typing import NoReturn

import typer

from unblur.errors import UnblurError


def fail(error: UnblurError) -> NoReturn:
    """Say the error in one line on stderr and leave with exit code 2.

    Raises:
        typer.Exit: always.
    """
    typer.echo(f"unblur: {error}", err=True)
    raise typer.Exit(2)
