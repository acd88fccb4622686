"""``unblur benchmark``: how good and how fast the methods are."""

from pathlib import Path
from typing import Annotated

import typer

from unblur.cli.fail import fail
from unblur.cli.output import Json, Quiet, tell_text
from unblur.cli.progress import progress, typed
from unblur.errors import ConfigError, UnblurError

PAPER_METHODS = "wiener,richardson-lucy,separable,random start=dcnn:start=random,separable start=dcnn,odcnn"
"""Lines of the paper's Fig. 4 and Table 1."""


def benchmark(
    suite: Annotated[
        str | None, typer.Argument(help="paper, lights, levin, levin-same, levin-real, sun or robust.")
    ] = None,
    *,
    data: Annotated[Path | None, typer.Option(help="Folder with val/ and test/, for a suite.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for rows, tables, figures.")] = None,
    split: Annotated[str, typer.Option(help="test for results, val for choices.")] = "test",
    methods: Annotated[
        str | None, typer.Option(help="Names by commas; each may be LABEL=METHOD:key=value:key=value.")
    ] = None,
    tuned: Annotated[Path | None, typer.Option(help="tuned.json from --tune: settings for the methods.")] = None,
    tune: Annotated[bool, typer.Option("--tune", help="Choose settings on the photographs of val/.")] = False,
    limit: Annotated[int | None, typer.Option(help="Take only so many photographs.")] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder of sharp photographs instead of a suite.")] = None,
    psf: Annotated[list[str] | None, typer.Option(help="PSF for --photos or --speed; may be repeated.")] = None,
    gain: Annotated[float, typer.Option(help="Exposure for --photos; above 1 clips lights.")] = 1.0,
    saturated: Annotated[bool, typer.Option("--saturated", help="Expose --photos until 3.5 % clip.")] = False,
    noise: Annotated[float, typer.Option(help="Standard deviation for --photos, white = 1.")] = 0.01,
    jpeg: Annotated[int | None, typer.Option(help="JPEG quality for --photos; not compressed without it.")] = None,
    transfer: Annotated[str, typer.Option(help="Light of the blur of --photos, linear or encoded.")] = "linear",
    speed: Annotated[bool, typer.Option("--speed", help="Measure seconds and memory instead of quality.")] = False,
    megapixels: Annotated[float, typer.Option(help="Size of the picture for --speed.")] = 1.0,
    colour: Annotated[bool, typer.Option("--colour", help="A colour picture for --speed, not a grey one.")] = False,
    threads: Annotated[int | None, typer.Option(help="CPU threads for --speed; torch chooses without it.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare methods on a suite, on your own photographs, or by their speed.

    Example: unblur benchmark paper --data data -o results --methods wiener,odcnn
    """
    from unblur.benchmark.compare import compare, compare_settings, compare_speed
    from unblur.benchmark.entry import entries_named
    from unblur.benchmark.speed import Task
    from unblur.benchmark.suites import camera_of, folder_suite, named_suite, photos_in
    from unblur.benchmark.tune import GRIDS, read_tuned
    from unblur.devices import torch_device
    from unblur.methods import METHODS

    try:
        names = (methods or (",".join(name for name in GRIDS if name in METHODS) if tune else PAPER_METHODS)).split(",")
        entries = entries_named(names, read_tuned(tuned) if tuned else None)
        with progress(quiet=quiet) as told:
            if speed:
                kernel = (psf or ["disk:7"])[0]
                task = Task(psf=kernel, megapixels=megapixels, colour=colour, threads=threads, device=device)
                comparison = compare_speed(entries, task, output, command=typed(), told=told)
            elif output is None:
                raise ConfigError("there is no folder for the results; name one with -o")
            else:
                if photos is not None:
                    camera = camera_of(gain=gain, noise=noise, jpeg=jpeg, transfer=transfer)
                    cases = folder_suite(photos_in(photos), psf or [], camera, saturated=saturated, limit=limit)
                else:
                    cases = named_suite(suite, data, split="val" if tune else split, limit=limit)
                on = torch_device(device)
                if tune:
                    comparison = compare_settings(names, cases, output, device=on, told=told)
                else:
                    comparison = compare(cases, entries, output, device=on, command=typed(), told=told)
    except UnblurError as error:
        fail(error)
    tell_text(comparison.text, comparison.found, as_json=as_json, quiet=quiet)
