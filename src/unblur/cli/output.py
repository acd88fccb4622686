"""What all commands share when they speak: ``--json`` for scripts, ``--quiet``, and one way to print findings.

Results go to stdout, everything else (bars, warnings, errors) to stderr. ``--quiet`` leaves warnings and errors only;
``--json`` prints the result as JSON, whatever else is said or not.
"""

import json
import math
from collections.abc import Mapping
from typing import Annotated

import typer

from unblur.cli.fail import say

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but warnings and errors.")]


def tell(found: Mapping[str, object], *, as_json: bool, quiet: bool) -> None:
    """Print findings by name: a line for each, or one line of JSON."""
    if as_json:
        tell_json(found)
    elif not quiet:
        for key, value in found.items():
            say(f"{key:<13}{value}")


def tell_text(text: str, found: Mapping[str, object], *, as_json: bool, quiet: bool) -> None:
    """Print a text for people, or the findings that it stands for as one line of JSON."""
    if as_json:
        tell_json(found)
    elif not quiet:
        typer.echo(text)


def tell_json(found: Mapping[str, object]) -> None:
    """Print one line of JSON; what is no number or infinite, which JSON does not know, becomes null."""
    typer.echo(json.dumps(_finite(found), allow_nan=False))


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value
