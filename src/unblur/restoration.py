"""The main job: a blurred picture and its PSF in, the restored picture out."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from PIL.Image import Image as PillowImage
from torch import Tensor

from unblur.colour import SRGB, ToneCurve
from unblur.crop import Crop, surrounded
from unblur.devices import torch_device
from unblur.errors import ImageError
from unblur.io.arrays import array_of, check_range, planes_of, planes_of_array, trust_of
from unblur.io.picture import Picture
from unblur.io.profile import tone_curve
from unblur.io.psf_table import read_blur
from unblur.io.read import default_ending, read_picture
from unblur.io.sheet import write_sheet
from unblur.io.write import FORMATS, check_output, write_picture
from unblur.override import overridden
from unblur.plan import Plan, light_of, planned
from unblur.psf.accept import accept_psf
from unblur.psf.grid import PsfGrid
from unblur.residual import Residual, middle, residual
from unblur.streaming import streamed
from unblur.tensors import Encoding, Psf, Report, Transfer

AnyPicture = TypeVar("AnyPicture")
AnyPsf = str | PathLike[str] | np.ndarray[Any, np.dtype[Any]] | Tensor | PsfGrid


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one photograph."""

    output: Path
    method: str
    seconds: float
    """From the first byte read to the last one written."""
    notes: tuple[str, ...]
    """What was converted or dropped on the way."""
    residual: Residual | None
    """What the PSF leaves unexplained; None where the photograph is too small to tell, or the PSF varies."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Reasons to distrust the result."""
        return () if self.residual is None or self.residual.explained else (str(self.residual),)


def restore(
    image: AnyPicture,
    psf: AnyPsf,
    *,
    method: str | None = None,
    transfer: Transfer | None = None,
    encoding: Encoding | None = None,
    weight: object = None,
    settings: Mapping[str, object] | None = None,
    white: float | None = None,
    strength: float | None = None,
    device: str = "auto",
    tile: int | None = None,
    memory: int | None = None,
    progress: Report | None = None,
) -> AnyPicture:
    """Sharpen a picture whose blur is known.

    Args:
        image: NumPy ``(H, W)`` or ``(H, W, 3|4)``, Pillow image, or torch ``(C, H, W)`` or ``(B, C, H, W)``, told apart
            by type only. 8 or 16 bits or floats with 1 = white. A fourth channel is opacity and stays as it is.
        psf: grammar text (``disk:7``, ``motion:15,30``), a path, a 2-D array or a tensor; a point of light prints it.
            One that varies over the picture: a table's path (see ``unblur.io.psf_table``) or a ``PsfGrid``.
        method: a name from ``METHODS``; None takes the best that knows the PSF.
        transfer: the light in which the blur holds: ``linear`` (a real camera, the default) or ``encoded``.
        encoding: what the numbers are: ``srgb`` (the default) or ``linear``. A Pillow image that carries a colour
            profile is decoded by the profile's curve unless this is said.
        weight: ``(H, W)`` array, Pillow image or tensor (also ``(B|1, C|1, H, W)``): 1 = trust, 0 = ignore a pixel.
        settings: the method's own, by name.
        white: stored value, as a share of full scale, from which pixels count as clipped: for sensors that clip below
            full scale, or JPEG that left white uneven. Nothing in the result is brighter.
        strength: of methods that have one: 1 is their own, more is sharper and noisier, less is calmer and softer.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        tile: largest side of a tile in pixels; smaller takes less memory and more time.
        memory: bytes for the work on one tile, in place of ``tile``.
        progress: called with the share of the work done; may raise ``Cancelled``.

    Returns:
        The same type, number type and shape as ``image``; clipped to [0, 1], rounded to the number type.

    Raises:
        ImageError: not a picture, NaN, or a weight of another shape.
        PsfError: not a PSF, larger than the picture, or one that the method does not know.
        ConfigError: unknown method, setting or device, tiles for a method that refuses them, a strength for one that
            has none, or a white that is not above 0 and at most 1.
    """
    planes, back = planes_of(image)
    if device == "auto" and planes.device.type != "cpu":
        device = str(planes.device)
    plan = planned(
        _accepted(psf),
        method=method,
        transfer=transfer,
        encoding=encoding or "srgb",
        settings=settings,
        device=torch_device(device),
        curve=_curve_in_memory(image) if encoding is None else SRGB,
    )
    plan = overridden(plan, white=white, strength=strength)
    trust = None if weight is None else trust_of(weight, planes)
    return cast(AnyPicture, back(plan.restored(planes, tile=tile, memory=memory, weight=trust, report=progress)))


def restore_file(
    photo: str | Path,
    output: str | Path | None = None,
    *,
    psf: AnyPsf,
    method: str | None = None,
    transfer: Transfer | None = None,
    encoding: Encoding | None = None,
    weight: str | Path | None = None,
    settings: Mapping[str, object] | None = None,
    white: float | None = None,
    strength: float | None = None,
    crop: Crop | None = None,
    device: str = "auto",
    tile: int | None = None,
    memory: int | None = None,
    compare: str | Path | None = None,
    overwrite: bool = False,
    progress: Report | None = None,
) -> Outcome:
    """Sharpen a photograph in a file; depth, profile, EXIF, opacity and JPEG quality stay as they are.

    Args:
        photo: the blurred photograph.
        output: where the result goes; None takes :func:`output_beside`.
        psf: as in :func:`restore`.
        method: as in :func:`restore`.
        transfer: as in :func:`restore`.
        encoding: as in :func:`restore`; None takes what the file and its colour profile say.
        weight: a picture of the same size: white = trust, black = ignore.
        settings: as in :func:`restore`.
        white: as in :func:`restore`.
        strength: as in :func:`restore`.
        crop: restore this part only, for a quick look. What the method measures is measured there and close by.
        device: as in :func:`restore`.
        tile: as in :func:`restore`.
        memory: as in :func:`restore`.
        compare: a PNG to draw with the photograph before and after.
        overwrite: replace existing outputs; the photograph itself is never replaced.
        progress: as in :func:`restore`.

    Raises:
        ImageError: a file that cannot be read or written.
        PsfError: as in :func:`restore`.
        ConfigError: as in :func:`restore`.
    """
    start = time.perf_counter()
    photo = Path(photo)
    output = output_beside(photo, crop=crop is not None) if output is None else Path(output)
    outputs = [output] if compare is None else [output, Path(compare)]
    for path in outputs:
        _refuse_to_replace((photo, weight), path)
        check_output(path, overwrite=overwrite)

    def settle(picture: Picture) -> Plan:
        plan = planned(
            _accepted(psf),
            method=method,
            transfer=transfer,
            encoding=encoding or picture.encoding,
            settings=settings,
            device=torch_device(device),
            curve=picture.curve if encoding is None else SRGB,
        )
        return overridden(plan, white=white, strength=strength)

    if crop is None and weight is None and compare is None:
        done = streamed(photo, output, settle, tile=tile, memory=memory, overwrite=overwrite, report=progress)
        if done is not None:
            return _outcome(output, done.plan, done.notes, done.middle, start)
    picture = read_picture(photo)
    picture = replace(picture, encoding=encoding or picture.encoding)
    planes = planes_of_array(picture.pixels)
    check_range(planes)
    box = None if crop is None else crop.box(*picture.size)
    plan = settle(picture)
    trust = None if weight is None else trust_of(read_picture(weight).pixels[..., 0], planes)
    kept = (slice(None), slice(None))
    if box is not None:
        around = plan.method.surroundings(plan.psf, plan.settings) + max(plan.psf.shape)
        read, kept = surrounded(box, *picture.size, around)
        planes, trust = planes[(..., *read)], None if trust is None else trust[(..., *read)]
        plan = replace(plan, of=(read[0].start, read[1].start, *picture.size))
        alpha = None if picture.alpha is None else np.ascontiguousarray(picture.alpha[box])
        picture = replace(picture, pixels=np.ascontiguousarray(picture.pixels[box]), alpha=alpha)
    restored = plan.restored(planes, tile=tile, memory=memory, weight=trust, report=progress)
    result = replace(picture, pixels=array_of(restored[(..., *kept)]))
    notes = picture.notes + write_picture(result, output, overwrite=overwrite)
    if compare is not None:
        write_sheet(picture, result, Path(compare), overwrite=overwrite)
    return _outcome(output, plan, notes, middle(planes), start)


def _outcome(output: Path, plan: Plan, notes: tuple[str, ...], part: Tensor, start: float) -> Outcome:
    """What there is to tell, also of the photograph's middle ``part``."""
    light = light_of(part, through_light=plan.through_light, curve=plan.curve)
    return Outcome(
        output=output,
        method=plan.method.name,
        notes=notes,
        residual=None if plan.grid is not None else residual(light, plan.psf),
        seconds=time.perf_counter() - start,
    )


def output_beside(photo: Path, folder: Path | None = None, *, crop: bool = False) -> Path:
    """``NAME-restored.EXT``, of a crop ``NAME-crop-restored.EXT``, beside the photograph or in ``folder``.

    Where its own format cannot be written: TIFF for linear light (camera RAW, FITS), PNG for all else.
    """
    ending = photo.suffix if photo.suffix.lower() in FORMATS else default_ending(photo.suffix)
    return (folder or photo.parent) / f"{photo.stem}{'-crop' if crop else ''}-restored{ending}"


def _refuse_to_replace(inputs: tuple[str | Path | None, ...], output: Path) -> None:
    """No output may be one of the inputs, whatever was said about overwriting."""
    for path in inputs:
        if path is not None and output.exists() and Path(path).exists() and output.samefile(path):
            raise ImageError(f"{output} is an input as well, expected another output; nothing was changed")


def _curve_in_memory(image: object) -> ToneCurve:
    """The curve of the profile that a Pillow image carries; sRGB's for all else."""
    icc = image.info.get("icc_profile") if isinstance(image, PillowImage) else None
    return (tone_curve(icc) if icc else None) or SRGB


def _accepted(psf: AnyPsf) -> Psf | PsfGrid:
    """A PSF from any of its forms."""
    if isinstance(psf, str | PathLike):
        return read_blur(str(psf))
    return psf if isinstance(psf, PsfGrid) else accept_psf(psf).cpu()
