"""``unblur psf estimate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unblur.cli.fail import fail, say
from unblur.cli.measure import numbers_in
from unblur.cli.output import Json, Quiet, tell
from unblur.cli.progress import percent
from unblur.errors import UnblurError

if TYPE_CHECKING:
    from unblur.estimation import Estimate
    from unblur.tensors import Psf


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
    as_json: Json = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")] = False,
    quiet: Quiet = False,
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
        with percent("PSF", quiet=quiet) as report:
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
    tell(said, as_json=as_json, quiet=quiet)


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

    with percent("restoration", quiet=quiet) as report:
        restore_file(
            photo,
            output,
            psf=psf,
            transfer=transfer,
            encoding=encoding,
            overwrite=overwrite,
            progress=report,
        )


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
    if found.naturalness is not None:
        said["naturalness"] = round(found.naturalness, 2)
    return said
