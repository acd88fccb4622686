"""The commands about point spread functions: look at one, save one, measure or estimate one."""

import re
from pathlib import Path
from typing import Annotated

import typer

from unblur.cli.estimate import estimate
from unblur.cli.fail import fail
from unblur.cli.measure import measure
from unblur.cli.output import Json, Quiet, tell, tell_text
from unblur.errors import UnblurError

app = typer.Typer(no_args_is_help=True, help="Look at point spread functions, save, measure and estimate them.")
app.command(name="measure", no_args_is_help=True)(measure)
app.command(name="estimate", no_args_is_help=True)(estimate)

Spec = Annotated[
    str, typer.Argument(help="The PSF: disk:7.5, motion:15,30, shake:27,seed=3, …, or a file.", show_default=False)
]
Recentre = Annotated[bool, typer.Option("--recentre", help="Move the centroid to the origin, by whole pixels.")]
Flip = Annotated[bool, typer.Option("--flip-psf", help="Turn by 180°: for files from software that correlates.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")]


@app.command()
def show(
    spec: Annotated[
        str,
        typer.Argument(help="The PSF: disk:7.5, motion:15,30, …, a file, or a table of several.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The picture; psf-SPEC.png when not given.", show_default=False),
    ] = None,
    noise_to_signal: Annotated[float, typer.Option(help="r of the inverse: larger is calmer, of lower rank.")] = 1e-2,
    recentre: Recentre = False,
    flip_psf: Flip = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw a PSF with its spectrum, its inverse and the inverse's singular values; of a table, all its PSFs.

    Example: unblur psf show disk:7.5 -o disk.png
    """
    try:
        from unblur.benchmark.psf_grid_sheet import arranged, psf_grid_sheet
        from unblur.benchmark.psf_sheet import THRESHOLD, centroid_offset, describe_centroid, psf_sheet, rank
        from unblur.inverse.regularised import pseudo_inverse
        from unblur.io.psf import check_psf_output
        from unblur.io.psf_table import read_blur
        from unblur.psf.grid import PsfGrid

        path = output or Path(f"psf-{_safe(spec)}.png")
        check_psf_output(path, (".png", ".pdf", ".svg"), overwrite=overwrite)
        psf = read_blur(spec, recentre=recentre, flip=flip_psf)
        if isinstance(psf, PsfGrid):
            psf_grid_sheet(psf, path)
            height, width = psf.psfs.shape[1:]
            lines = {"size": f"up to {height} x {width} px", "places": arranged(psf)}
            found: dict[str, object] = {"height": height, "width": width, "places": len(psf.psfs)}
        else:
            psf_sheet(psf, path, noise_to_signal=noise_to_signal)
            terms = rank(pseudo_inverse(psf.double(), noise_to_signal, 121))
            height, width = psf.shape
            lines = {
                "size": f"{height} x {width} px",
                "centroid": describe_centroid(psf).removeprefix("centroid "),
                "rank": f"{terms} (singular values of the inverse above {THRESHOLD:g} at r = {noise_to_signal:g})",
            }
            found = {"height": height, "width": width, "centroid": centroid_offset(psf), "rank": terms}
    except UnblurError as error:
        fail(error)
    text = "\n".join(f"{name:<10}{value}" for name, value in {**lines, "picture": path}.items())
    tell_text(text, {**found, "picture": str(path)}, as_json=as_json, quiet=quiet)


@app.command()
def save(
    spec: Spec,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A .npy, .tif or 16-bit .png file.", show_default=False)
    ],
    recentre: Recentre = False,
    flip_psf: Flip = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Save a PSF as an array (.npy, .tif: exact) or as a picture (.png: scaled, so that its peak is white).

    Example: unblur psf save shake:27,seed=3 -o shake.npy
    """
    try:
        from unblur.io.psf import read_psf, write_psf

        psf = read_psf(spec, recentre=recentre, flip=flip_psf)
        write_psf(psf, output, overwrite=overwrite)
    except UnblurError as error:
        fail(error)
    tell({"psf": str(output), "height": psf.shape[0], "width": psf.shape[1]}, as_json=as_json, quiet=True)


def _safe(spec: str) -> str:
    """The shape or the file's name without what file names cannot hold."""
    name = Path(spec).name if Path(spec).suffix and ":" not in spec else spec
    return re.sub(r"[^\w.]+", "-", name).strip("-.") or "psf"
