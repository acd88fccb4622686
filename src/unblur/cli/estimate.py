"""``unblur psf estimate``."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unblur.cli.fail import fail, say
from unblur.cli.measure import numbers_in
from unblur.cli.progress import progress
from unblur.errors import UnblurError

if TYPE_CHECKING:
    from unblur.estimation import Estimate
    from unblur.tensors import Psf, Report


def estimate(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="The blurred photograph.", show_default=False)],
    size: Annotated[
        int, typer.Option(metavar="N", help="Side of the PSF in pixels, odd; rather too large than too small.")
    ],
    kind: Annotated[
        Literal["shake", "disk", "motion"], typer.Option(help="A shaking camera, out of focus, or a straight motion.")
    ] = "shake",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The PSF. [default: PHOTO-psf.png]")] = None,
    crop: Annotated[
        str | None,
        typer.Option(metavar="X0,Y0,X1,Y1", help="The part to look at. [default: the one with the strongest edges]"),
    ] = None,
    restored: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Restore the photograph with the PSF as well.")
    ] = None,
    transfer: Annotated[
        Literal["linear", "encoded"], typer.Option(help="The light in which the blur holds.")
    ] = "linear",
    encoding: Annotated[
        Literal["srgb", "linear"] | None, typer.Option(help="What the numbers are. [default: as the file says]")
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Write a shake's PSF even if two estimates of it differ.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Draw no progress bar.")] = False,
) -> None:
    """Estimate the PSF of a photograph that is blurred alike all over, from the photograph alone.

    Example: unblur psf estimate shaken.jpg --size 31 -o psf.npy
    """
    try:
        from unblur.estimation import psf_of_file
        from unblur.io.psf import WRITABLE, check_psf_output, write_psf
        from unblur.io.write import check_output

        target = output or photo.with_name(f"{photo.stem}-psf.png")
        check_psf_output(target, WRITABLE, overwrite=overwrite)
        if restored is not None:
            check_output(restored, overwrite=overwrite)
        box = None if crop is None else _corners(crop)
        with _bar("PSF", quiet=quiet) as report:
            found = psf_of_file(
                photo,
                size,
                kind=kind,
                box=box,
                encoding=encoding,
                transfer=transfer,
                anyway=anyway,
                report=report,
            )
        write_psf(found.psf, target, overwrite=overwrite)
        if restored is not None:
            _restore(photo, restored, found.psf, transfer, encoding, overwrite=overwrite, quiet=quiet)
    except UnblurError as error:
        fail(error)
    for warning in found.warnings:
        say(f"unblur: {photo}: {warning}", err=True)
    said = _said(found, target) | ({} if restored is None else {"restored": str(restored)})
    if as_json:
        typer.echo(json.dumps(said))
        return
    for key, value in said.items():
        say(f"{key:<13}{value}")


def _restore(
    photo: Path,
    output: Path,
    psf: "Psf",
    transfer: Literal["linear", "encoded"],
    encoding: Literal["srgb", "linear"] | None,
    *,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Restore the photograph by the default method."""
    from unblur.restoration import restore_file

    with _bar("restoration", quiet=quiet) as report:
        restore_file(
            photo,
            output,
            psf=psf,
            transfer=transfer,
            encoding=encoding,
            overwrite=overwrite,
            progress=report,
        )


@contextmanager
def _bar(label: str, *, quiet: bool) -> "Iterator[Report | None]":
    """A bar on stderr, in percent."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    with progress() as told:
        yield lambda share: told(round(100 * share), 100, label)


def _corners(text: str) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(number) for number in numbers_in("--crop", text, 4))
    return left, top, right, bottom


def _said(found: "Estimate", target: Path) -> dict[str, object]:
    """The findings by name."""
    said: dict[str, object] = {"psf": str(target)}
    if found.spec is not None:
        said["shape"] = found.spec
    said |= {"size": found.psf.shape[0], "part": ",".join(map(str, found.box)), "spread": round(found.spread, 2)}
    if found.agreement is not None:
        said["agreement"] = round(found.agreement, 2)
    return said
