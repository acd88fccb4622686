"""FITS, the files of telescopes, through Astropy (extra ``astro``): linear light."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from unblur.errors import ImageError
from unblur.io.extra import extra_library
from unblur.io.picture import Picture, Pixels
from unblur.io.profile import linear_profile

_SATURATION = ("SATURATE", "SATLEVEL", "SATUR")
"""Header words for the value at which the sensor is full."""


def is_fits(head: bytes) -> bool:
    """Whether a file that begins so is a FITS file."""
    return head.startswith(b"SIMPLE  =")


def decode_fits(path: Path, check_size: Callable[[tuple[int, int]], None]) -> Picture:
    """The first image of a FITS file, grey, or RGB from a cube of three planes; its last row becomes the top one.

    White is the header's SATURATE (SATLEVEL, SATUR), or else 255 or 65535 of unsigned integers, or 1 of floats that
    do not exceed it. Where none of these holds the highest value is taken, and a note says it.

    Args:
        path: the file.
        check_size: told height and width before anything is decoded; raises where they are too much.

    Raises:
        ImageError: the extra ``astro`` is not installed, or the file holds no picture.
    """
    fits = extra_library("astropy.io.fits", "astro", path, "a FITS picture")
    with fits.open(path, memmap=False) as file:
        found = [part for part in file if part.is_image and part.shape and _is_picture(part.shape)]
        if not found:
            shapes = ", ".join(str(part.shape) for part in file if part.is_image) or "none"
            raise ImageError(f"{path} has no image of one or three planes (its shapes: {shapes}); cut one out")
        part = found[0]
        check_size(part.shape[-2:])
        values = np.asarray(part.data)
        header = {word: float(part.header[word]) for word in _SATURATION if word in part.header}
    planes = values.reshape(-1, *values.shape[-2:])
    pixels = np.ascontiguousarray(np.moveaxis(planes, 0, -1)[::-1]).astype(values.dtype.newbyteorder("="))
    pixels, notes = _scaled(pixels, header)
    if len(found) > 1:
        notes += ("only the first of several images was read",)
    # The profile keeps the light linear when the result, a TIFF, is read again.
    icc = linear_profile(np.eye(3) if pixels.shape[2] == 3 else None, "Linear light")
    return Picture(pixels=pixels, format="FITS", encoding="linear", icc=icc, notes=notes)


def _is_picture(shape: tuple[int, ...]) -> bool:
    """Two sides, or three planes of them; sides of length one in front do not count."""
    planes = [side for side in shape[:-2] if side > 1]
    return len(shape) >= 2 and min(shape[-2:]) > 0 and planes in ([], [3])


def _scaled(pixels: Pixels, header: Mapping[str, float]) -> tuple[Pixels, tuple[str, ...]]:
    """The same numbers with 1 = white, or integers of full range as they are."""
    white = next((value for value in header.values() if value > 0), None)
    if white is None and pixels.dtype in (np.uint8, np.uint16):
        return pixels, ()
    highest = float(np.nanmax(pixels))
    if white is None and pixels.dtype.kind == "f" and highest <= 1:
        return pixels, ()
    if white is not None:
        notes: tuple[str, ...] = (f"divided by the header's saturation level {white:g}",)
    elif highest > 0:
        white, notes = highest, (f"divided by the highest value {highest:g}, taken as white",)
    else:
        white, notes = 1.0, ()
    return (pixels / white).astype(np.float32), notes
