"""``unblur restore``."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unblur.cli.fail import fail
from unblur.cli.output import Json, Quiet
from unblur.cli.progress import Bar, typed
from unblur.cli.rows import tell_rows
from unblur.errors import ConfigError, UnblurError

if TYPE_CHECKING:
    from unblur.folder.row import Restoring, Row

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def restore(
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO...", help="Photographs, or one folder of them.", show_default=False),
    ],
    psf: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="disk:R, gauss:S, motion:LENGTH,ANGLE, polygon:SIDES,RADIUS, shake:SIZE,seed=N, or a file; "
            "a .toml or .csv table of these where it varies over the picture.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A file for one photograph, else a folder. [default: NAME-restored]"),
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
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="For a folder: this process, or the machines of a Ray cluster.")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Photographs at a time on a cluster. [default: all CPUs]")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Sharpen photographs that were blurred by a known PSF.

    A folder is restored with the folders in it; what is done is skipped, so the same command goes on after a stop.

    Example: unblur restore moon.tif --psf disk:7.5 -o sharp.tif

    Example: unblur restore holidays --psf lens.png -o holidays-sharp
    """
    from unblur.crop import Crop
    from unblur.io.psf_table import read_blur
    from unblur.methods import default_method
    from unblur.psf.grid import typical
    from unblur.restoration import restore_file

    try:
        folder = _folder(photos)
        _refuse_together(photos, output, compare, folder, engine, workers)
        accepted = read_blur(psf, recentre=recentre, flip=flip_psf)
        settings, limit = _settings(set_ or []), _bytes(memory)
        part = None if crop is None else Crop.parsed(crop)
        name = method or default_method(typical(accepted))
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
    try:
        rows = _among(photos, output, run) if folder is None else _within(folder, output, run, engine, workers)
        tell_rows(rows, alone=folder is None and len(photos) == 1, as_json=as_json, quiet=quiet)
    except UnblurError as error:
        fail(error)


def _within(
    folder: Path, output: Path | None, run: "Restoring", engine: Literal["local", "ray"], workers: int | None
) -> "Callable[[Bar], Iterator[Row]]":
    """The photographs of a folder."""
    from unblur.folder.restoration import rows_of, work_in

    work = work_in(folder, output, run, engine=engine, overwrite=bool(run.keywords["overwrite"]))
    return lambda bar: rows_of(work, workers=workers, command=typed(), told=bar)


def _among(photos: list[Path], output: Path | None, run: "Restoring") -> "Callable[[Bar], Iterator[Row]]":
    """Photographs that were named, one after the other."""
    from unblur.folder.row import restored_row
    from unblur.restoration import output_beside

    into = output is not None and (len(photos) > 1 or output.is_dir())
    crop = run.keywords["crop"] is not None
    targets = [
        output if output is not None and not into else output_beside(photo, output, crop=crop) for photo in photos
    ]
    for number, target in enumerate(targets):
        if target in targets[:number]:
            one, other = photos[targets.index(target)], photos[number]
            raise ConfigError(f"{one} and {other} would both become {target}; restore their folder, or one by one")

    def rows(bar: Bar) -> "Iterator[Row]":
        for number, (photo, target) in enumerate(zip(photos, targets, strict=True)):

            def report(share: float, number: int = number, name: str = photo.name) -> None:
                bar(number + share, len(photos), name)

            yield restored_row(photo, target, run, alone=len(photos) == 1, report=report)

    return rows


def _folder(photos: list[Path]) -> Path | None:
    """The folder that is to be restored; None for photographs."""
    folders = [photo for photo in photos if photo.is_dir()]
    if folders and len(photos) > 1:
        raise ConfigError(f"{folders[0]} is a folder, expected it alone; give one folder, or name photographs")
    return folders[0] if folders else None


def _refuse_together(
    photos: list[Path],
    output: Path | None,
    compare: Path | None,
    folder: Path | None,
    engine: str,
    workers: int | None,
) -> None:
    """What belongs to one photograph only, or to a folder only."""
    if folder is None and (engine != "local" or workers is not None):
        raise ConfigError("--engine and --workers belong to a folder, got photographs; name their folder instead")
    if workers is not None and engine == "local":
        raise ConfigError("--workers belongs to --engine ray; add that, or leave it out")
    if compare is not None and (folder is not None or len(photos) > 1):
        got = f"the folder {folder}" if folder is not None else str(len(photos))
        raise ConfigError(f"--compare draws one photograph, got {got}; restore them one by one")
    if len(photos) > 1 and output is not None and not output.is_dir():
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
