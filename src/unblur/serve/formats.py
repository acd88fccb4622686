"""The files that a result can be taken away in."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from unblur.errors import ConfigError
from unblur.io.picture import Picture
from unblur.io.write import FORMATS, standard_quality, with_depth, write_picture

SAME = "same"
QUALITY = 92
"""Of JPEG, where nobody says another."""
_FULL_COLOUR = 90
"""From this quality on a JPEG keeps its colours at full resolution."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One way to write a result."""

    name: str
    title: str
    """For people."""
    ending: str
    bits: Literal[8, 16] | None = None
    """Integers of so many bits; None leaves the number type to the ending."""
    quality: bool = False
    """Whether a quality of 1 to 100 can be chosen."""


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A file that was written."""

    file: Path
    size: int
    """In bytes."""
    notes: tuple[str, ...]
    """What it could not hold."""


def offered(result: Picture, ending: str) -> list[Format]:
    """The formats for a result, the photograph's own first.

    Args:
        result: of any number type.
        ending: of the file that ``unblur restore`` would write.
    """
    depth = result.pixels.dtype.name
    own = FORMATS[ending.lower()]
    titled = {"WEBP": "WebP"}.get(own, own)
    if own in ("PNG", "TIFF"):
        titled = f"{own}, {_depth_words(depth if own == 'TIFF' or depth == 'uint8' else 'uint16')}"
    formats = [Format(name=SAME, title=f"{titled}, as before", ending=ending)]
    formats.append(Format(name="jpeg", title="JPEG", ending=".jpg", bits=8, quality=True))
    for kind in ("PNG", "TIFF"):
        name, suffix = kind.lower(), ".png" if kind == "PNG" else ".tif"
        if depth.startswith("float") and kind == "TIFF":
            formats.append(Format(name=name, title=f"TIFF, {_depth_words(depth)}", ending=suffix))
        if depth != "uint8":
            formats.append(Format(name=f"{name}16", title=f"{kind}, 16 bits", ending=suffix, bits=16))
        formats.append(Format(name=f"{name}8", title=f"{kind}, 8 bits", ending=suffix, bits=8))
    formats.append(Format(name="webp", title="WebP", ending=".webp", bits=8))
    formats.append(Format(name="avif", title="AVIF", ending=".avif", bits=8))
    return [entry for k, entry in enumerate(formats) if k == 0 or entry.quality or entry.title != titled]


def chosen(formats: list[Format], name: object, quality: object) -> tuple[Format, int | None]:
    """The format of that name, and the quality where it has one.

    Raises:
        ConfigError: an unknown format, or a quality that is no whole number from 1 to 100.
    """
    for entry in formats:
        if entry.name == name:
            break
    else:
        names = ", ".join(entry.name for entry in formats)
        raise ConfigError(f"the format is {name!r}, expected one of {names}")
    if not entry.quality:
        return entry, None
    if type(quality) is not int or not 1 <= quality <= 100:
        raise ConfigError(f"the quality is {quality!r}, expected a whole number from 1 to 100")
    return entry, quality


def encoded(result: Callable[[], Picture], form: Format, quality: int | None, file: Path) -> Encoded:
    """Write a result.

    Args:
        result: gives it.
        form: how.
        quality: 1 to 100, of a format that has one.
        file: new, with the format's ending.

    Raises:
        ImageError: the format cannot hold the picture, or the disk is full.
    """
    picture, notes = result(), tuple[str, ...]()
    if form.bits is not None:
        picture, notes = with_depth(picture, form.bits)
    if quality is not None:
        tables = standard_quality(float(quality))
        picture = replace(picture, jpeg=replace(tables, subsampling=0) if quality >= _FULL_COLOUR else tables)
    notes += write_picture(picture, file)
    return Encoded(file=file, size=file.stat().st_size, notes=notes)


def _depth_words(depth: str) -> str:
    return {"uint8": "8 bits", "uint16": "16 bits"}.get(depth, "float")
