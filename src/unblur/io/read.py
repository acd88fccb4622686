"""Files to pictures. Whatever a decoder stumbles over becomes one sentence."""

import io
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image, ImageCms, JpegImagePlugin, UnidentifiedImageError

from unblur.errors import ImageError
from unblur.io import raw
from unblur.io.avif import avif_bits, decode_deep_avif
from unblur.io.exif import exif_of, with_sound_exif
from unblur.io.fits import decode_fits, is_fits
from unblur.io.heif import decode_heif, is_heif
from unblur.io.orientation import declared_upright, orientation_of, upright
from unblur.io.picture import JpegQuality, Picture, Pixels
from unblur.io.png16 import decode_png16, is_png16, png_size
from unblur.io.profile import is_linear, tone_curve
from unblur.io.tiff import decode_tiff, is_tiff, needs_tifffile

LIMIT = 400_000_000
"""Pixels; above it a header is taken for an attack or a mistake."""

_FORMATS = (
    *("PNG", "JPEG", "TIFF", "WEBP", "BMP", "AVIF", "GIF", "PPM", "JPEG2000", "TGA", "QOI"),
    *("DIB", "DDS", "ICO", "PCX", "PSD", "SGI", "SUN", "XBM"),
)
"""What Pillow may decode, MPO as JPEG: not EPS, which is a program that Ghostscript would run."""
_DIRECT = ("L", "LA", "RGB", "RGBA")
_CONVERTED = {
    "1": ("L", "black-and-white converted to grey"),
    "P": ("RGB", "palette converted to RGB"),
    "PA": ("RGBA", "palette converted to RGBA"),
    "CMYK": ("RGB", "CMYK converted to RGB"),
    "YCbCr": ("RGB", "YCbCr converted to RGB"),
    "LAB": ("RGB", "Lab converted to RGB"),
    "La": ("LA", "premultiplied alpha divided out"),
    "RGBa": ("RGBA", "premultiplied alpha divided out"),
    "RGBX": ("RGB", "fourth channel dropped"),
}
_bomb_limit = threading.Lock()


def read_picture(path: str | Path, *, limit: int = LIMIT) -> Picture:
    """Decode a photograph, upright, in the number type of its file.

    Args:
        path: PNG, JPEG, TIFF, WebP, BMP, AVIF or what else Pillow reads but EPS; HEIC, camera RAW and FITS with the
            extras ``heif``, ``raw`` and ``astro``. RAW files are known by their ending, all others by their content.
        limit: most pixels to decode; the header is looked at first.

    Returns:
        The picture with its ICC profile and EXIF; grey stays grey, palette and CMYK become RGB with a note. Its
        encoding is ``linear`` for RAW, FITS and profiles without a curve, else ``srgb``.

    Raises:
        ImageError: missing, empty, damaged, too large, of an unknown kind, with NaN among its values, or of a kind
            whose extra is not installed.
    """
    path = Path(path)
    head = _first_bytes(path)
    try:
        picture = with_sound_exif(profiled(_decoded(path, head, limit)))
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(f"{path} is not a picture that can be read; expected PNG, JPEG, TIFF, WebP or BMP") from error
    except MemoryError as error:
        raise ImageError(f"{path} needs more memory than there is; crop or split it") from error
    except Exception as error:  # decoders raise anything from struct.error to SyntaxError over a damaged file
        reason = str(error).strip().splitlines()
        detail = reason[0] if reason else type(error).__name__
        raise ImageError(f"{path} cannot be decoded ({detail}); the file is damaged or of an unknown kind") from error
    if picture.pixels.dtype.kind == "f" and not np.isfinite(picture.pixels).all():
        broken = int((~np.isfinite(picture.pixels)).sum())
        raise ImageError(f"{path}: {broken} values are NaN or infinite, expected finite ones; replace them first")
    return picture


def default_ending(suffix: str) -> str:
    """The ending of results whose photograph's own format cannot be written: .tif for linear light, .png for all else.

    Args:
        suffix: the photograph's ending, with its dot.
    """
    return ".tif" if suffix.lower() in (*raw.ENDINGS, ".fits", ".fit", ".fts") else ".png"


def _decoded(path: Path, head: bytes, limit: int) -> Picture:
    """The picture by whoever knows its format best."""

    def check_size(size: tuple[int, int]) -> None:
        _check_size(path, size, limit)

    if path.suffix.lower() in raw.ENDINGS:
        return raw.decode_raw(path, check_size)
    if is_fits(head):
        return decode_fits(path, check_size)
    if is_heif(head):
        return decode_heif(path, check_size)
    if is_png16(head):
        check_size(png_size(head))
        return _read_png16(path)
    if is_tiff(head) and needs_tifffile(path):
        return decode_tiff(path, check_size)
    return _read_with_pillow(path, limit)


def profiled(picture: Picture) -> Picture:
    """Believe a profile that says the light is linear, and say where one says nothing that can be used."""
    if picture.icc is None or picture.encoding == "linear":
        return picture
    curve = tone_curve(picture.icc)
    if curve is None:
        return replace(picture, notes=(*picture.notes, "its colour profile has no tone curve, sRGB's is taken"))
    return replace(picture, encoding="linear") if is_linear(curve) else picture


def _first_bytes(path: Path) -> bytes:
    """The head of the file, or why there is none."""
    try:
        if path.is_dir():
            raise ImageError(f"{path} is a folder, expected a photograph; name the files in it")
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise ImageError(f"{path} is a pipe or a device, expected a file; save the photograph first")
        with path.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        raise ImageError(f"{path} does not exist; check the name") from None
    except OSError as error:
        raise ImageError(f"{path} cannot be opened ({error.strerror}); check its name and permissions") from error
    except ValueError as error:
        raise ImageError(f"{str(path)!r} is no file name ({error}); check the name") from None
    if not head:
        raise ImageError(f"{path} is empty (0 bytes), expected a photograph; copy it again")
    return head


def _check_size(path: Path, size: tuple[int, int], limit: int) -> None:
    """Refuse what the header declares before memory is taken for it."""
    if size[0] * size[1] > limit:
        megapixels = size[0] * size[1] / 1e6
        raise ImageError(
            f"{path} has {size[1]} x {size[0]} pixels ({megapixels:.0f} megapixels), "
            f"expected at most {limit / 1e6:g}; crop or split it"
        )


def _read_png16(path: Path) -> Picture:
    pixels, icc, exif = decode_png16(path.read_bytes())
    pixels = upright(pixels, orientation_of(exif))
    picture = Picture(pixels=pixels, format="PNG", icc=icc, exif=declared_upright(exif) if exif else None)
    return _alpha_apart(picture)


def _read_with_pillow(path: Path, limit: int) -> Picture:
    with _opened(path) as image:
        _check_size(path, (image.height, image.width), limit)
        image.load()
        orientation, block, damage = exif_of(image)
        picture = Picture(
            pixels=np.empty((0, 0, 1)),
            format=image.format or "PNG",
            exif=declared_upright(block) if block else None,
            icc=image.info.get("icc_profile") or None,
            jpeg=_jpeg_quality(image),
            notes=damage
            + (("only the first of several images was read",) if getattr(image, "n_frames", 1) > 1 else ()),
        )
        if image.format == "AVIF" and (bits := avif_bits(data := path.read_bytes())) > 8:
            array, icc, notes = decode_deep_avif(data, bits), picture.icc, tuple[str, ...]()
        else:
            array, icc, notes = _array(image, picture.icc)
    if picture.format == "MPO":  # a JPEG with further JPEGs behind it, the preview or the depth map of a phone
        picture = replace(picture, format="JPEG")
    pixels = upright(np.array(array).reshape(*array.shape[:2], -1), orientation)  # a copy: Pillow's own is read-only
    return _alpha_apart(replace(picture, pixels=pixels, icc=icc, notes=picture.notes + notes))


def _array(image: Image.Image, icc: bytes | None) -> tuple[Pixels, bytes | None, tuple[str, ...]]:
    """The pixels of any mode as grey or RGB, the profile that now holds, and what was converted."""
    mode = image.mode
    if mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16), icc, ()
    if mode == "I":
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise ImageError(f"the values go from {values.min()} to {values.max()}, expected 0 to 65535")
        return values.astype(np.uint16), icc, ()
    if mode == "F":
        return np.asarray(image), icc, ()
    transparent = "transparency" in image.info
    if mode in ("L", "RGB") and transparent:
        return np.asarray(image.convert(mode + "A" if mode == "RGB" else "LA")), icc, ("one colour is transparent",)
    if mode in _DIRECT:
        return np.asarray(image), icc, ()
    if mode not in _CONVERTED:
        raise ImageError(f"the picture has Pillow's mode {mode}, expected grey, RGB or RGBA; convert it")
    target, note = _CONVERTED[mode]
    if mode == "P" and transparent:
        target = "RGBA"
    if mode == "CMYK" and icc:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        return np.asarray(cast("Image.Image", converted)), None, (note + " through its profile",)
    return np.asarray(image.convert(target)), None if mode == "CMYK" else icc, (note,)


def _alpha_apart(picture: Picture) -> Picture:
    """Two or four channels: the last is opacity."""
    if picture.pixels.shape[2] in (1, 3):
        return picture
    alpha = np.ascontiguousarray(picture.pixels[..., -1])
    return replace(picture, pixels=np.ascontiguousarray(picture.pixels[..., :-1]), alpha=alpha)


def _jpeg_quality(image: Image.Image) -> JpegQuality | None:
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return None
    tables: dict[int, list[int]] = {number: list(table) for number, table in cast(Any, image).quantization.items()}
    return JpegQuality(tables=tables, subsampling=max(0, JpegImagePlugin.get_sampling(image)))


def _opened(path: Path) -> Image.Image:
    """Open under our own limit instead of Pillow's, a global number that warns at 89 megapixels."""
    with _bomb_limit:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            return Image.open(path, formats=_FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = before
