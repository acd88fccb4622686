"""``unblur psf measure``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from unblur.cli.fail import fail, say
from unblur.cli.output import Json, Quiet, tell
from unblur.errors import ConfigError, UnblurError

_Encoding = Literal["srgb", "linear"]


def measure(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="The blurred photograph.", show_default=False)],
    point: Annotated[
        str | None, typer.Option(metavar="X,Y", help="A point of light, in pixels from the top left.")
    ] = None,
    edge: Annotated[
        str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="Two corners of a box around one straight edge.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(metavar="N", help="Side of a point's PSF, odd. [default: all of the light]")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The PSF. [default with --point: PHOTO-psf.png]")
    ] = None,
    white: Annotated[float, typer.Option(min=0.01, help="Linear light from which pixels count as clipped.")] = 0.98,
    encoding: Annotated[
        _Encoding | None, typer.Option(help="What the numbers are. [default: as the file says]")
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="The point is a single light: do not look for two that overlap.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure the PSF where the photograph shows it: at a point of light, or on a straight edge.

    Example: unblur psf measure stars.tif --point 812,455 -o psf.npy
    """
    try:
        if (point is None) == (edge is None):
            raise ConfigError("expected one of --point X,Y and --edge X0,Y0,X1,Y1; name the place to measure")
        if edge is not None and size is not None:
            raise ConfigError("--size belongs to --point, an edge gives a shape; leave it out")
        from unblur.io.psf import WRITABLE, check_psf_output

        if point is not None:
            output = output or photo.with_name(f"{photo.stem}-psf.png")
        if output is not None:
            check_psf_output(output, WRITABLE, overwrite=overwrite)
        if point is not None and output is not None:
            x, y = numbers_in("--point", point, 2)
            said, warnings = _at_point(photo, (x, y), output, size, white, alone, encoding, overwrite)
        else:
            x0, y0, x1, y1 = numbers_in("--edge", edge or "", 4)
            said, warnings = _on_edge(photo, (x0, y0, x1, y1), output, white, encoding, overwrite), []
    except UnblurError as error:
        fail(error)
    for warning in warnings:
        say(f"unblur: {photo}: {warning}", err=True)
    tell(said, as_json=as_json, quiet=quiet)


def _at_point(
    photo: Path,
    point: tuple[float, float],
    output: Path,
    size: int | None,
    white: float,
    alone: bool,
    encoding: _Encoding | None,
    overwrite: bool,
) -> tuple[dict[str, object], list[str]]:
    """Measure, write, and what is to be said and to be warned of."""
    from unblur.io.psf import write_psf
    from unblur.measurement import point_in_file

    found = point_in_file(photo, *point, size=size, white=white, alone=alone, encoding=encoding)
    write_psf(found.psf, output, overwrite=overwrite)
    warnings = []
    if found.repaired:
        warnings.append(f"{found.repaired} clipped pixels were guessed from their neighbours; a fainter light is surer")
    if found.cut > 0.005:
        warnings.append(f"{100 * found.cut:.1f} % of the light lies outside {size} px; take a larger size")
    said: dict[str, object] = {
        "psf": str(output),
        "size": found.psf.shape[0],
        "x": round(found.x, 2),
        "y": round(found.y, 2),
        "contrast": round(found.contrast, 1),
        "repaired": found.repaired,
        "cut": round(found.cut, 4),
    }
    return said, warnings


def _on_edge(
    photo: Path,
    box: tuple[float, float, float, float],
    output: Path | None,
    white: float,
    encoding: _Encoding | None,
    overwrite: bool,
) -> dict[str, object]:
    """Measure, write if asked, and what is to be said."""
    from unblur.io.psf import read_psf, write_psf
    from unblur.measurement import edge_in_file

    found = edge_in_file(photo, box, white=white, encoding=encoding)
    if output is not None:
        write_psf(read_psf(found.best.spec), output, overwrite=overwrite)
    said: dict[str, object] = {
        "psf": found.best.spec,
        "error": round(found.best.error, 4),
        "other": found.other.spec,
        "other_error": round(found.other.error, 4),
        "angle": round(found.angle, 2),
        "height": round(found.height, 4),
    }
    return said | ({} if output is None else {"output": str(output)})


def numbers_in(option: str, text: str, count: int) -> list[float]:
    """So many numbers separated by commas."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        example = "812,455" if count == 2 else "100,80,160,150"
        raise ConfigError(f"{option} got {text!r}, expected {count} numbers, {example} for instance")
    return numbers
