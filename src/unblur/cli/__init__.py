"""The command line: every command is one call into the library."""

from typing import Annotated

import typer

from unblur import __version__
from unblur.cli.benchmark import benchmark
from unblur.cli.degrade import degrade
from unblur.cli.fail import Commands, stopped
from unblur.cli.methods import methods
from unblur.cli.psf import app as psf
from unblur.cli.reproduce import reproduce
from unblur.cli.restore import restore
from unblur.cli.serve import serve
from unblur.cli.train import train

app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False)
app.command(name="restore", no_args_is_help=True)(restore)
app.command(name="degrade", no_args_is_help=True)(degrade)
app.command(name="methods")(methods)
app.command(name="train", no_args_is_help=True)(train)
app.command(name="benchmark", no_args_is_help=True)(benchmark)
app.command(name="reproduce", no_args_is_help=True)(reproduce)
app.add_typer(psf, name="psf")
app.command(name="serve")(serve)


def _show_version(asked: bool) -> bool:
    if asked:
        typer.echo(f"unblur {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def group(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say the version and leave.")
    ] = False,
) -> None:
    """Restore photographs whose blur is known."""
    del version


def main() -> None:
    """Run the command line; Ctrl-C ends it in one sentence even before its words have been read."""
    try:
        app()
    except KeyboardInterrupt:
        stopped()
