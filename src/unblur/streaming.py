"""Photographs larger than memory: a TIFF that is read, restored and written in bands from top to bottom."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from unblur.errors import ConfigError, ImageError
from unblur.io.arrays import array_of, check_bands
from unblur.io.picture import Picture, Pixels
from unblur.io.read import LIMIT
from unblur.io.tiff import encode_tiff_tiles
from unblur.io.tiff_rows import TiffRows, opened_rows
from unblur.io.write import FORMATS, check_output
from unblur.plan import Plan
from unblur.residual import middle, middle_rows
from unblur.tensors import Report

LARGE = 256_000_000
"""Bytes of pixels from which a TIFF is streamed unasked."""
_CHECKED = 256
"""Rows that are looked at together before the work begins."""


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """What became of a photograph that was streamed."""

    plan: Plan
    notes: tuple[str, ...]
    middle: Tensor
    """Of the photograph, as :func:`unblur.residual.middle` cuts it."""


def streamed(
    photo: Path,
    output: Path,
    settle: Callable[[Picture], Plan],
    *,
    tile: int | None = None,
    memory: int | None = None,
    overwrite: bool = False,
    report: Report | None = None,
) -> Streamed | None:
    """Restore a TIFF into a TIFF without holding either as a whole, to the same pixels as otherwise.

    It is done where memory was limited or the pixels take more than :data:`LARGE` bytes, by methods that work in tiles.
    What is held are the method's own memory and, several times over, the rows that lie under a row of tiles.

    Args:
        photo: the blurred photograph.
        output: where the result goes, in tiles; under a temporary name until it is complete.
        settle: makes the plan, from a picture without pixels.
        tile: largest side of a tile in pixels; smaller takes less memory and more time.
        memory: bytes for the work on one tile.
        overwrite: replace an existing output.
        report: told the share of the work done; may raise ``Cancelled``.

    Returns:
        None where nothing was done, as the photograph is to be read as a whole.

    Raises:
        ImageError: a file that is damaged, or cannot be written.
        ConfigError: a picture too large to be read as a whole, for a method that must.
    """
    source = opened_rows(photo) if FORMATS.get(output.suffix.lower()) == "TIFF" else None
    if source is None:
        return None
    with source:
        if memory is None and source.decoded_bytes <= LARGE:
            return None
        picture = source.picture()
        plan = settle(picture)
        height, width = source.shape[2:]
        if not plan.takes_bands:
            if height * width > LIMIT:
                raise ConfigError(
                    f"{plan.method.name} must see {photo} as a whole, which has {width} x {height} pixels, expected at "
                    f"most {LIMIT / 1e6:g} megapixels; choose a method that works in tiles, wiener for instance"
                )
            return None
        if source.dtype.kind == "f":
            check_bands(source.read(rows) for rows in _spans(height))
        bands = _with_alpha(source, plan.bands(source, tile=tile, memory=memory, report=report))
        notes = _written(source, picture, bands, output, overwrite=overwrite)
        return Streamed(plan=plan, notes=picture.notes + notes, middle=middle(source.read(middle_rows(height))))


def _written(
    source: TiffRows, picture: Picture, bands: Iterator[Pixels], path: Path, *, overwrite: bool
) -> tuple[str, ...]:
    """Write under a temporary name, then rename."""
    check_output(path, overwrite=overwrite)
    channels = source.shape[1] + source.has_alpha
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        notes = encode_tiff_tiles(
            part,
            bands,
            (*source.shape[2:], channels),
            source.dtype,
            alpha=source.has_alpha,
            icc=picture.icc,
            exif=picture.exif,
        )
        part.replace(path)
    except OSError as error:
        raise ImageError(f"{path} cannot be written ({error}); check space and permissions") from error
    finally:
        part.unlink(missing_ok=True)
    return notes


def _with_alpha(source: TiffRows, bands: Iterator[Tensor]) -> Iterator[Pixels]:
    """Bands of colours as ``(n, W, C)``, with the photograph's own opacity as last channel."""
    top = 0
    for band in bands:
        pixels = array_of(band)
        rows = slice(top, top + len(pixels))
        top = rows.stop
        if source.has_alpha:
            pixels = np.concatenate([pixels, source.alpha(rows)[..., None]], axis=2)
        yield pixels
        del band, pixels  # no two are held at once


def _spans(height: int) -> Iterator[slice]:
    """All rows, some at a time."""
    for top in range(0, height, _CHECKED):
        yield slice(top, min(height, top + _CHECKED))
