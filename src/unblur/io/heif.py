"""HEIC and HEIF files, the photographs of telephones, through libheif (extra ``heif``)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from unblur.io.avif import stretched
from unblur.io.extra import extra_library
from unblur.io.orientation import declared_upright
from unblur.io.picture import Picture

_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_HDR = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of high dynamic range (ITU-T H.273, table 3)."""


def is_heif(head: bytes) -> bool:
    """Whether a file that begins so is HEIF with HEVC inside, and not AVIF."""
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS and b"avif" not in head[8:]


def decode_heif(path: Path, check_size: Callable[[tuple[int, int]], None]) -> Picture:
    """The primary picture, upright; 8 bits as they are, 10 and 12 bits stretched to 16.

    Args:
        path: the file.
        check_size: told height and width before anything is decoded; raises where they are too much.

    Raises:
        ImageError: the extra ``heif`` is not installed.
    """
    library = extra_library("pillow_heif", "heif", path, "a HEIF picture")
    opened = library.open_heif(path, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    image = opened[opened.primary_index]
    check_size((image.size[1], image.size[0]))
    values, info = np.asarray(image), image.info
    values = values.reshape(*values.shape[:2], -1)
    bits = int(info.get("bit_depth", 8))
    pixels = np.array(values) if bits == 8 else stretched(values, bits)
    alpha = np.ascontiguousarray(pixels[..., -1]) if pixels.shape[2] in (2, 4) else None
    exif = (info.get("exif") or b"").removeprefix(b"Exif\0\0")
    notes: tuple[str, ...] = ("only the first of several images was read",) if len(opened) > 1 else ()
    curve = (info.get("nclx_profile") or {}).get("transfer_characteristics")
    if curve in _HDR and not info.get("icc_profile"):
        notes += (f"stored for {_HDR[curve]} displays, taken as sRGB: linear light is not exact",)
    return Picture(
        pixels=np.ascontiguousarray(pixels[..., :-1]) if alpha is not None else pixels,
        alpha=alpha,
        format="HEIF",
        icc=info.get("icc_profile") or None,
        exif=declared_upright(exif) if exif else None,  # libheif has turned the pixels already
        notes=notes,
    )
