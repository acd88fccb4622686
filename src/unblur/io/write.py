"""Pictures to files: whole or not at all."""

import uuid
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

from unblur.colour import encode_srgb
from unblur.errors import ImageError
from unblur.io.picture import JpegQuality, Picture, Pixels
from unblur.io.png16 import encode_png16
from unblur.io.profile import linear_to_srgb
from unblur.io.read import read_picture
from unblur.io.tiff import encode_tiff

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".avif": "AVIF",
}
"""Formats that can be written, by file name ending."""

_WITHOUT_ALPHA = ("JPEG", "BMP")
_WITHOUT_EXIF = ("BMP",)


def write_picture(picture: Picture, path: str | Path, *, overwrite: bool = False) -> tuple[str, ...]:
    """Write a picture in the format of the file name's ending, under a temporary name until it is complete.

    A JPEG that came from a JPEG keeps its quantisation tables and subsampling (others get quality 95, 4:4:4). ICC
    profile and EXIF go along where the format holds them. Linear light that must shrink to 8 bits is stored as sRGB,
    for its shadows would have no steps left; all else stays in the encoding that it has.

    Args:
        picture: float values are clipped to [0, 1] where the format holds integers.
        path: ends in .png, .jpg, .tif, .webp, .bmp or .avif.
        overwrite: replace an existing file; otherwise it is refused.

    Returns:
        Notes on what the format could not hold: depth, opacity, EXIF.

    Raises:
        ImageError: unknown ending, missing folder, existing file, full disk, or a size that the format cannot hold.
    """
    path = Path(path)
    kind = check_output(path, overwrite=overwrite)
    picture, developed = _developed(picture, kind)
    pixels, has_alpha, notes = _fitted(picture, kind)
    notes = developed + notes
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        if picture.exif and not _takes_exif(picture, pixels, kind, part, alpha=has_alpha):
            picture, notes = replace(picture, exif=None), (*notes, f"EXIF dropped: {kind} cannot hold it")
        _encode(picture, pixels, kind, part, alpha=has_alpha)
        part.replace(path)
    except Exception as error:  # encoders raise many kinds; all mean that this file cannot be made
        raise ImageError(f"{path} cannot be written ({error}); check size, format, space and permissions") from error
    finally:
        part.unlink(missing_ok=True)
    return notes


def check_output(path: Path, *, overwrite: bool) -> str:
    """Refuse an output that could not be written, before any work is done for it.

    Returns:
        The format's name.

    Raises:
        ImageError: unknown ending, missing folder, or existing file without ``overwrite``.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        got = f"ends in {path.suffix}" if path.suffix else "has no ending"
        raise ImageError(f"{path} {got}, expected one of {' '.join(FORMATS)}; choose a format by the ending")
    if not path.parent.is_dir():
        raise ImageError(f"{path.parent} is not a folder; make it before writing {path.name} there")
    if path.is_dir():
        raise ImageError(f"{path} is a folder, expected the name of a file; choose another")
    if path.exists() and not overwrite:
        raise ImageError(f"{path} exists already; choose another name or ask to overwrite it")
    return kind


def with_depth(picture: Picture, bits: Literal[8, 16]) -> tuple[Picture, tuple[str, ...]]:
    """The same picture in integers of 8 or 16 bits a channel; linear light that must shrink to 8 becomes sRGB.

    Args:
        picture: of any number type; float values are clipped to [0, 1].
        bits: more than it has give finer steps to whoever goes on working with it, and no more detail.

    Returns:
        The picture, and notes on what was converted.
    """
    picture, notes = _developed(picture, "") if bits == 8 else (picture, ())
    target = np.uint8 if bits == 8 else np.uint16
    if picture.pixels.dtype == target:
        return picture, notes
    alpha = None if picture.alpha is None else _integers(picture.alpha, target)
    if bits == 8:
        notes += (f"{_depth(picture.pixels)} reduced to 8 bits",)
    elif picture.pixels.dtype.kind == "f":
        notes += ("float values reduced to 16 bits",)
    return replace(picture, pixels=_integers(picture.pixels, target), alpha=alpha), notes


def standard_quality(quality: float) -> JpegQuality:
    """The quantisation tables that libjpeg has for a quality of 1 to 100, colours at half resolution (4:2:0)."""
    sample = BytesIO()
    Image.new("YCbCr", (16, 16)).save(sample, "JPEG", quality=round(quality), subsampling=2)
    with Image.open(sample) as stored:
        tables = getattr(stored, "quantization", {})
    return JpegQuality(tables={number: list(table) for number, table in tables.items()}, subsampling=2)


def _developed(picture: Picture, kind: str) -> tuple[Picture, tuple[str, ...]]:
    """Linear light as 16-bit sRGB, in sRGB's own primaries, where the format holds 8 bits only."""
    if picture.encoding != "linear" or picture.pixels.dtype == np.uint8 or kind in ("TIFF", "PNG"):
        return picture, ()
    light = picture.pixels.astype(np.float32) / (65535 if picture.pixels.dtype == np.uint16 else 1)
    to_srgb = linear_to_srgb(picture.icc) if light.shape[2] == 3 else None
    if to_srgb is not None:
        light = light @ to_srgb.T.astype(np.float32)
    stored = encode_srgb(torch.from_numpy(np.clip(light, 0, 1))[None])[0].numpy()
    alpha = None if picture.alpha is None else _integers(picture.alpha, np.uint16)
    shown = replace(picture, pixels=_integers(stored, np.uint16), alpha=alpha, encoding="srgb", icc=None)
    return shown, ("linear light stored as sRGB",)


def _fitted(picture: Picture, kind: str) -> tuple[Pixels, bool, tuple[str, ...]]:
    """Pixels of a type that the format holds, with opacity as last channel if it can."""
    pixels = picture.pixels
    notes: tuple[str, ...] = ()
    alpha = None if picture.alpha is None else picture.alpha[..., None]
    if alpha is not None and kind in _WITHOUT_ALPHA:
        alpha, notes = None, (f"opacity dropped: {kind} holds none",)
    if pixels.dtype != np.uint8 and kind not in ("TIFF", "PNG"):
        notes += (f"{_depth(pixels)} reduced to 8 bits: {kind} holds no more",)
        pixels = _integers(pixels, np.uint8)
        alpha = None if alpha is None else _integers(alpha, np.uint8)
    elif pixels.dtype.kind == "f" and kind == "PNG":
        notes += ("float values reduced to 16 bits: PNG holds no more",)
        pixels = _integers(pixels, np.uint16)
        alpha = None if alpha is None else _integers(alpha, np.uint16)
    if alpha is not None:
        pixels = np.concatenate([pixels, alpha], axis=2)
    return np.ascontiguousarray(pixels), alpha is not None, notes  # the encoders take no views of planes


def _depth(pixels: Pixels) -> str:
    return "16 bits" if pixels.dtype == np.uint16 else "float values"


def _integers(values: Pixels, target: type[np.uint8] | type[np.uint16]) -> Pixels:
    """The same light in integers, rounded; 16 to 8 bits divides by 257, so that white stays white."""
    top = float(np.iinfo(target).max)
    scale = top / np.iinfo(values.dtype).max if values.dtype.kind == "u" else top
    return np.clip(np.rint(values.astype(np.float32) * scale), 0, top).astype(target)


def _takes_exif(picture: Picture, pixels: Pixels, kind: str, part: Path, *, alpha: bool) -> bool:
    """Whether the format can hold the picture's EXIF: tried with one pixel, for encoders that rebuild it trip over odd
    values, and JPEG holds 64 KB.
    """
    if kind in _WITHOUT_EXIF:
        return False
    try:
        _encode(picture, pixels[:1, :1], kind, part, alpha=alpha)
        read_picture(part)
    except Exception:  # encoders raise many kinds
        return False
    return True


def _encode(picture: Picture, pixels: Pixels, kind: str, part: Path, *, alpha: bool) -> None:
    """Write a whole file by whoever knows the format best."""
    if kind == "PNG" and pixels.dtype == np.uint16:
        part.write_bytes(encode_png16(pixels, icc=picture.icc, exif=picture.exif))
    elif kind == "TIFF" and pixels.dtype != np.uint8:
        encode_tiff(part, pixels, alpha=alpha, icc=picture.icc, exif=picture.exif)
    else:
        _save_with_pillow(picture, pixels, kind, part)


def _save_with_pillow(picture: Picture, pixels: Pixels, kind: str, part: Path) -> None:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    options: dict[str, Any] = {}
    if picture.icc:
        options["icc_profile"] = picture.icc
    if picture.exif:
        options["exif"] = b"Exif\0\0" + picture.exif
    if kind == "JPEG":
        if picture.jpeg:
            options |= {"qtables": picture.jpeg.tables, "subsampling": picture.jpeg.subsampling}
        else:
            options |= {"quality": 95, "subsampling": 0}
    elif kind == "WEBP":
        options |= {"lossless": True} if picture.format != "WEBP" else {"quality": 95}
    elif kind == "AVIF":
        options |= {"quality": 95, "subsampling": "4:4:4"}
    elif kind == "TIFF":
        # libtiff, which compresses, cannot write the directory of exposure data; Pillow's own writer can.
        options |= {} if picture.exif else {"compression": "tiff_adobe_deflate"}
    # Pillow writes into a file past Python and takes no notice where a full disk stores only a part.
    encoded = BytesIO()
    image.save(encoded, format=kind, **options)
    with part.open("wb") as file:
        file.write(encoded.getbuffer())
