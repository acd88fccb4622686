"""Camera RAW through LibRaw (extra ``raw``): linear light from the sensor, with a white that is really white."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from unblur.io.extra import extra_library
from unblur.io.picture import Picture
from unblur.io.profile import linear_profile
from unblur.io.tiff import exif_block, is_tiff

ENDINGS = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef"),
    *(".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)
"""File name endings that cameras give their RAW files; many of these files look like TIFF from inside."""


def decode_raw(path: Path, check_size: Callable[[tuple[int, int]], None]) -> Picture:
    """A developed sensor picture: 16 bits, linear, upright, white-balanced as the camera did.

    Each channel is 65535 exactly where its sensor was full: the white level is the one that the file declares, the
    smallest factor of the white balance is 1, nothing is brightened, and no colour matrix mixes clipped channels with
    others. The camera's matrix goes into the colour profile instead, so that programs show the right colours. Pixels
    between those of the sensor's mosaic are interpolated.

    Args:
        path: the file.
        check_size: told height and width before anything is decoded; raises where they are too much.

    Raises:
        ImageError: the extra ``raw`` is not installed.
    """
    rawpy = extra_library("rawpy", "raw", path, "a camera's RAW file")
    with rawpy.imread(str(path)) as raw:
        check_size((raw.sizes.height, raw.sizes.width))
        pixels = np.array(
            raw.postprocess(
                output_bps=16,
                gamma=(1, 1),
                no_auto_bright=True,
                adjust_maximum_thr=0.0,  # else LibRaw moves white to the brightest pixel
                user_sat=_white_level(raw),
                use_camera_wb=True,
                output_color=rawpy.ColorSpace.raw,
                highlight_mode=rawpy.HighlightMode.Clip,
            )
        )
        to_srgb = np.asarray(raw.color_matrix, np.float64)[:, :3]
    if not to_srgb.any():  # a camera that LibRaw does not know
        to_srgb = np.eye(3)
    with path.open("rb") as file:
        has_directory = is_tiff(file.read(8))
    exif, damage = exif_block(path) if has_directory else (None, ())
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    colours = pixels.shape[2]
    return Picture(
        pixels=pixels,
        format="RAW",
        encoding="linear",
        icc=linear_profile(to_srgb if colours == 3 else None, "Camera light, linear"),
        exif=exif,
        notes=damage,
    )


def _white_level(raw: Any) -> int:
    """Where the first channel is full, in the sensor's numbers above black, as LibRaw counts here."""
    levels = [level for level in (raw.camera_white_level_per_channel or []) if level > 0]
    return int(min([raw.white_level, *levels]) - max(raw.black_level_per_channel))
