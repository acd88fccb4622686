"""``unblur train``: a network for one's own PSF, or a published one made again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unblur.cli.fail import fail
from unblur.cli.output import Json, Quiet, tell_text
from unblur.errors import ConfigError, UnblurError

if TYPE_CHECKING:
    from unblur.train.launch import Progress as Step


def train(
    recipe: Annotated[
        str | None, typer.Argument(help="A TOML file, or the name of a shipped recipe; --list names them.")
    ] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder with sharp photographs.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the run; resumed if it exists.")
    ] = None,
    psf: Annotated[str | None, typer.Option(help="PSF to train for, instead of the recipe's.")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Weights to begin from: universal, or a .safetensors file.")
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(help="Folder with photographs to validate on; default: every 20th of --photos.")
    ] = None,
    prefix: Annotated[
        list[str] | None, typer.Option(help="Take only photographs whose name starts so; may be given several times.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    minutes: Annotated[float | None, typer.Option(help="Stop after so long, saved; the same command goes on.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads; default: all cores.")] = None,
    list_recipes: Annotated[bool, typer.Option("--list", help="Name the shipped recipes and stop.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a network for one PSF, from photographs and a recipe, or tune the universal one with --from.

    Stop it whenever you like and give the same command again: it goes on exactly where it was saved last. Under
    torchrun the processes share each batch.

    Example: unblur train odcnn-disk7-small --photos holidays --psf lens.png -o runs/my-lens

    Example: unblur train --from universal --photos holidays --psf lens.png -o runs/my-lens
    """
    from unblur.train.launch import Schedule
    from unblur.train.start import shipped_recipes, start_training

    try:
        if list_recipes:
            recipes = dict(shipped_recipes())
            lines = "\n".join(f"{name}: {about}" for name, about in recipes.items())
            tell_text(lines, recipes, as_json=as_json, quiet=False)
            return
        if (recipe is None and from_ is None) or photos is None or output is None:
            raise ConfigError(
                "a recipe (or --from universal), --photos DIR and -o RUN are needed; see `unblur train --list`"
            )
        with _bar(quiet=quiet) as watch:
            run = start_training(
                recipe,
                photos,
                output,
                psf=psf,
                begin_from=from_,
                validation=validation,
                prefixes=tuple(prefix or ()),
                device=device,
                threads=threads,
                schedule=Schedule(seconds=None if minutes is None else minutes * 60),
                watch=watch,
            )
    except UnblurError as error:
        fail(error)
    where = "finished" if run.finished else f"stopped in {run.stage.part} at step {run.step} of {run.stage.steps}"
    text = f"{output}: {where}; validation {', '.join(f'{k} {v:.2f} dB' for k, v in run.validation.items())}"
    found = {
        "run": str(output),
        "finished": run.finished,
        "stage": run.stage.part,
        "step": run.step,
        "steps": run.stage.steps,
        "validation": run.validation,
    }
    tell_text(text, found, as_json=as_json, quiet=quiet)


@contextmanager
def _bar(*, quiet: bool) -> "Iterator[Callable[[Step], None]]":
    """A progress bar on stderr with the time that is left, throughput and the latest validation."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
    )
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False, disable=quiet) as bar:
        tasks: dict[str, TaskID] = {}

        def watch(now: "Step") -> None:
            if now.stage not in tasks:
                tasks[now.stage] = bar.add_task(now.stage, total=now.steps, state="")
            valid = "" if now.validation is None else f" · {now.validation:.2f} dB"
            speed = f"{now.pixels_per_second / 1e3:.0f} kpx/s · {now.flops / 1e9:.0f} GFLOP/s"
            bar.update(tasks[now.stage], completed=now.step, state=f"loss {now.loss:.5f} · {speed}{valid}")

        yield watch
