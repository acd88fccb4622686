"""``unblur reproduce``: the paper's tables and figures."""

from pathlib import Path
from typing import Annotated

import typer

from unblur.cli.fail import fail
from unblur.cli.output import Json, Quiet, tell_text
from unblur.cli.progress import progress, typed
from unblur.errors import UnblurError


def reproduce(
    what: Annotated[str, typer.Argument(help="table1, fig2, fig3, fig4, fig5, fig7, fig8 or all.", show_default=False)],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for rows, figures and the report.")],
    data: Annotated[Path | None, typer.Option(help="Folder with val/ and test/kodak24/.")] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder of sharp photographs instead of --data.")] = None,
    split: Annotated[str, typer.Option(help="Of --data: test for results, val for choices.")] = "test",
    tuned: Annotated[Path | None, typer.Option(help="tuned.json from unblur benchmark --tune.")] = None,
    methods: Annotated[str | None, typer.Option(help="Only these, names by commas.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Four photographs, small; says so in the report.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make the paper's Table 1 and figures again, on your photographs; goes on where it was stopped.

    Example: unblur reproduce all --data data -o evidence --quick
    """
    from unblur.benchmark.run import ROWS
    from unblur.benchmark.tune import read_tuned
    from unblur.devices import torch_device
    from unblur.reproduce.evidence import parts_named
    from unblur.reproduce.evidence import reproduce as made_again
    from unblur.reproduce.study import study

    try:
        parts_named(what)
        asked = study(
            output,
            data=data,
            photos=photos,
            split=split,
            quick=quick,
            methods=methods.split(",") if methods else None,
            tuned=read_tuned(tuned) if tuned else {},
            device=torch_device(device),
        )
        with progress(quiet=quiet) as told:
            report = made_again(what, asked, command=typed(), told=told)
    except UnblurError as error:
        fail(error)
    found = {"report": report, "rows": str(output / ROWS)}
    tell_text(report, found, as_json=as_json, quiet=quiet)
