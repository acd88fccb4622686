"""A picture as a file holds it: integers stay integers until a method needs light."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from unblur.colour import SRGB, ToneCurve
from unblur.io.profile import tone_curve
from unblur.tensors import Encoding

Pixels = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, kw_only=True)
class JpegQuality:
    """What makes a JPEG file as good, and as large, as the one it came from."""

    tables: dict[int, list[int]]
    """Quantisation tables by number, 64 values each."""
    subsampling: int
    """Of the colours: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A decoded file and what must survive until it is written again.

    The array keeps the file's own type, so that 100 megapixels of 8 bits stay 100 or 300 MB; light is made of it
    tile by tile.
    """

    pixels: Pixels
    """``(H, W, 1)`` grey or ``(H, W, 3)`` RGB: uint8, uint16 or a float type with 1 = white; upright."""
    alpha: Pixels | None = None
    """Opacity ``(H, W)`` of the same type; nothing restores it."""
    format: str
    """The file's format: PNG, JPEG, TIFF, WEBP, BMP, AVIF, HEIF, RAW, FITS, …"""
    encoding: Encoding = "srgb"
    """What the numbers are: ``linear`` light, or ``srgb``, stored through a curve (:attr:`curve`)."""
    exif: bytes | None = None
    """The bare EXIF block, its orientation set to upright."""
    icc: bytes | None = None
    """The ICC profile of the numbers."""
    jpeg: JpegQuality | None = None
    """Of a picture that was a JPEG file."""
    notes: tuple[str, ...] = ()
    """What was changed on the way in, for the user to know."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def curve(self) -> ToneCurve:
        """The colour profile's tone curve; sRGB's without a profile or with one that has no curve of its own."""
        return (tone_curve(self.icc) if self.icc else None) or SRGB
