"""``unblur restore``."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unblur.cli.fail import fail, is_shortage, say
from unblur.errors import ConfigError, UnblurError

if TYPE_CHECKING:
    from collections.abc import Callable

    from unblur.restoration import Outcome
    from unblur.tensors import Report

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def restore(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", show_default=False)],
    psf: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="disk:R, gauss:S, motion:LENGTH,ANGLE, polygon:SIDES,RADIUS, shake:SIZE,seed=N, or a file.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A file for one photograph, else a folder. [default: NAME-restored.EXT]"),
    ] = None,
    method: Annotated[
        str | None, typer.Option(metavar="NAME", help="See: unblur methods. [default: the best for the PSF]")
    ] = None,
    transfer: Annotated[
        Literal["linear", "encoded"] | None,
        typer.Option(help="The light in which the blur holds. [default: linear, as in a camera]"),
    ] = None,
    encoding: Annotated[
        Literal["srgb", "linear"] | None, typer.Option(help="What the numbers are. [default: srgb]")
    ] = None,
    weight: Annotated[
        Path | None, typer.Option(metavar="MASK", help="A picture of the same size: white is trusted, black ignored.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the method; may be repeated.")
    ] = None,
    white: Annotated[
        float | None,
        typer.Option(metavar="V", help="What counts as clipped, as a share of full scale. [default: 1]"),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(metavar="S", help="More is sharper and noisier, if the method has one. [default: 1]"),
    ] = None,
    crop: Annotated[
        str | None, typer.Option(metavar="X,Y,W,H", help="Restore this part only, for a quick look; in pixels.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute.")] = "auto",
    tile: Annotated[int | None, typer.Option(metavar="N", min=1, help="Largest side of a tile, in pixels.")] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Memory for the work on a tile, 500M or 2G for instance.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(metavar="SHEET.png", help="Draw before and after side by side (one photograph).")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")] = False,
    recentre: Annotated[bool, typer.Option("--recentre", help="Move the PSF's centroid to its centre.")] = False,
    flip_psf: Annotated[bool, typer.Option("--flip-psf", help="Turn the PSF by 180 degrees.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Sharpen photographs that were blurred by a known PSF.

    Example: unblur restore moon.tif --psf disk:7.5 -o sharp.tif
    """
    from unblur.crop import Crop
    from unblur.io.psf import read_psf
    from unblur.methods import default_method
    from unblur.restoration import restore_file

    try:
        _refuse_for_several(photos, output, compare)
        accepted = read_psf(psf, recentre=recentre, flip=flip_psf)
        settings, limit = _settings(set_ or []), _bytes(memory)
        part = None if crop is None else Crop.parsed(crop)
        name = method or default_method(accepted)
    except UnblurError as error:
        fail(error)
    if not quiet and method is None:
        typer.echo(f"unblur: no method named, taking {name}", err=True)
    run = partial(
        restore_file,
        psf=accepted,
        method=name,
        transfer=transfer,
        encoding=encoding,
        weight=weight,
        settings=settings,
        white=white,
        strength=strength,
        crop=part,
        device=device,
        tile=tile,
        memory=limit,
        compare=compare,
        overwrite=overwrite,
    )
    _each(photos, output, run, crop=crop is not None, quiet=quiet)


def _each(photos: list[Path], output: Path | None, run: "Callable[..., Outcome]", *, crop: bool, quiet: bool) -> None:
    """Restore one photograph after the other; a failure stops only its own, and is told at the end."""
    from unblur.restoration import output_beside

    failures: list[UnblurError] = []
    for number, photo in enumerate(photos, start=1):
        into = output is not None and (len(photos) > 1 or output.is_dir())
        target = output_beside(photo, output if into else None, crop=crop) if into or output is None else output
        label = photo.name if len(photos) == 1 else f"{number}/{len(photos)} {photo.name}"
        try:
            with _bar(label, quiet=quiet) as report:
                outcome = run(photo, target, progress=report)
        except UnblurError as error:
            failures.append(error)
            continue
        except (OSError, MemoryError, RuntimeError) as error:
            if len(photos) == 1 or not (isinstance(error, OSError) or is_shortage(error)):
                raise
            failures.append(UnblurError(f"{photo}: {' '.join(str(error).split())}"))
            continue
        if not quiet:
            parts = [f"{outcome.output}", outcome.method, f"{outcome.seconds:.1f} s", *outcome.notes]
            say("  ".join(parts))
        for warning in outcome.warnings:
            say(f"unblur: {photo}: {warning}", err=True)
    if len(photos) == 1 and failures:
        fail(failures[0])
    if failures:
        for failure in failures:
            say(f"unblur: {failure}", err=True)
        typer.echo(f"unblur: {len(failures)} of {len(photos)} photographs failed", err=True)
        raise typer.Exit(1)


@contextmanager
def _bar(label: str, *, quiet: bool) -> "Iterator[Report | None]":
    """A progress bar on stderr that vanishes when the photograph is done."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(escape(label), total=1.0)
        yield lambda share: progress.update(task, completed=share)


def _refuse_for_several(photos: list[Path], output: Path | None, compare: Path | None) -> None:
    """Several photographs need a folder, and cannot share a sheet."""
    if len(photos) == 1:
        return
    if compare is not None:
        raise ConfigError(f"--compare draws one photograph, got {len(photos)}; restore them one by one")
    if output is not None and not output.is_dir():
        raise ConfigError(f"{output} is not a folder, expected one for {len(photos)} photographs; make it first")


def _settings(pairs: list[str]) -> dict[str, object]:
    """``key=value`` texts as a mapping; the method checks them."""
    settings: dict[str, object] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise ConfigError(f"--set got {pair!r}, expected KEY=VALUE, noise_to_signal=0.01 for instance")
        settings[key.strip().replace("-", "_")] = value.strip()
    return settings


def _bytes(size: str | None) -> int | None:
    """``500M`` or ``2GB`` in bytes."""
    if size is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", size.strip(), re.IGNORECASE)
    if match is None or float(match[1]) == 0:
        raise ConfigError(f"the memory is {size!r}, expected a number with K, M or G, 2G for instance")
    return int(float(match[1]) * _UNITS[match[2].upper()])
