"""``unblur methods``."""

import json
from dataclasses import fields

import typer

from unblur.cli.output import Json


def methods(as_json: Json = False) -> None:
    """List the methods, what they expect and what can be set.

    Example: unblur methods --json
    """
    from rich.console import Console
    from rich.padding import Padding

    from unblur.methods import METHODS

    if as_json:
        rows = [
            {
                "name": method.name,
                "title": method.title,
                "paper": method.paper,
                "psfs": method.psfs,
                "transfer": method.transfer,
                "tiles": method.tiling.kind,
                "settings": {field.name: field.default for field in fields(method.settings)},
            }
            for method in METHODS.values()
        ]
        typer.echo(json.dumps(rows, indent=2, default=str))
        return
    console = Console(highlight=False)
    for method in METHODS.values():
        console.print(f"[bold]{method.name}[/]  {method.title}")
        console.print(Padding(f"[dim]{method.paper}[/]", (0, 0, 0, 4)))
        facts = f"PSFs {method.psfs} · transfer {method.transfer} · tiles {method.tiling.kind}"
        console.print(Padding(facts, (0, 0, 0, 4)))
        settings = "  ".join(f"{field.name}={_short(field.default)}" for field in fields(method.settings))
        console.print(Padding(settings or "no settings", (0, 0, 0, 4)))


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
