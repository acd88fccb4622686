"""PSFs from files and to files. A PSF's picture holds linear weights: no sRGB curve is undone."""

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unblur.errors import ImageError, PsfError
from unblur.io.matlab import real_matrices
from unblur.psf.accept import accept_psf, recentred
from unblur.psf.parse import looks_like_grammar, parse_psf
from unblur.tensors import Psf

LIMIT = 4096
"""Longest side of a PSF in pixels."""
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
READABLE = (*_PICTURES, ".npy", ".mat")
"""File name endings of PSFs that can be read."""
TABLES = (".toml", ".csv")
"""Of tables that name several, see :mod:`unblur.io.psf_table`."""
WRITABLE = (".npy", ".png", ".tif", ".tiff")
"""File name endings that a PSF can be written to."""
_LARGEST_MAT = 2 * 8 * LIMIT * LIMIT
"""Bytes of a MATLAB file, unpacked: twice the largest PSF."""
_MAT_NAMES = ("psf", "kernel", "k", "h")


def read_psf(text: str | Path, *, recentre: bool = False, flip: bool = False) -> Psf:
    """A PSF from a file or from a text such as ``disk:7.5``.

    Args:
        text: a path, taken as such if the file exists or its ending is one of :data:`READABLE`; else the grammar of
            :mod:`unblur.psf.parse`.
        recentre: move the PSF by whole pixels so that its centroid lies at the origin; otherwise the array's centre
            is the origin wherever the light is.
        flip: turn it by 180 degrees, for files written by software that correlates.

    Returns:
        float32, odd sides, sum 1. Colours are averaged, opacity is ignored.

    Raises:
        PsfError: a missing, damaged or unsuitable file, or a text that is no shape.
    """
    path = Path(text)
    named = path.suffix.lower() in (*READABLE, *TABLES)
    is_file = isinstance(text, Path) or (named and not looks_like_grammar(text))
    psf = _from_file(path) if is_file or _exists(path) else parse_psf(str(text))
    if flip:
        psf = psf.flip(0, 1)
    return recentred(psf) if recentre else psf


def write_psf(psf: Psf, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a PSF, whole or not at all.

    Args:
        psf: odd sides, sums to 1.
        path: ends in .npy or .tif (float32, exact), or .png (16 bits, scaled so that the peak is white: values are
            rounded to 1/65535 of the peak).
        overwrite: replace an existing file; otherwise it is refused.

    Raises:
        PsfError: unknown ending, missing folder, existing file, or a file that cannot be written.
    """
    path = Path(path)
    check_psf_output(path, WRITABLE, overwrite=overwrite)
    values = psf.detach().cpu().to(torch.float32).numpy()
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        _encode(values, path.suffix.lower(), part)
        part.replace(path)
    except OSError as error:
        raise PsfError(f"{path} cannot be written ({error.strerror}); check space and permissions") from error
    finally:
        part.unlink(missing_ok=True)


def check_psf_output(path: Path, endings: tuple[str, ...], *, overwrite: bool) -> None:
    """Refuse an output that could not be written, before any work is done for it.

    Raises:
        PsfError: another ending, a missing folder, or an existing file without ``overwrite``.
    """
    if path.suffix.lower() not in endings:
        got = f"ends in {path.suffix}" if path.suffix else "has no ending"
        raise PsfError(f"{path} {got}, expected one of {' '.join(endings)}; choose a format by the ending")
    if not path.parent.is_dir():
        raise PsfError(f"{path.parent} is not a folder; make it before writing {path.name} there")
    if path.is_dir():
        raise PsfError(f"{path} is a folder, expected the name of a file; choose another")
    if path.exists() and not overwrite:
        raise PsfError(f"{path} exists already; choose another name or ask to overwrite it")


def _encode(values: "np.ndarray[Any, np.dtype[Any]]", ending: str, part: Path) -> None:
    if ending == ".npy":
        with part.open("wb") as file:
            np.save(file, values, allow_pickle=False)
    elif ending == ".png":
        from unblur.io.png16 import encode_png16

        levels = np.rint(values.astype(np.float64) / values.max() * 65535).astype(np.uint16)
        part.write_bytes(encode_png16(levels[..., None]))
    else:
        from unblur.io.tiff import encode_tiff

        encode_tiff(part, values[..., None], alpha=False, icc=None)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long or with a null character: certainly no file
        return False


def _from_file(path: Path) -> Psf:
    if path.suffix.lower() in TABLES:
        raise PsfError(f"{path} is a table of PSFs, expected a single one; restore, degrade and psf show take tables")
    _check_input(path)
    reader = {".npy": _npy, ".mat": _mat}.get(path.suffix.lower(), _picture)
    try:
        values = reader(path)
    except PsfError:
        raise
    except ImageError as error:
        raise PsfError(f"as a PSF, {error}") from error
    except MemoryError as error:
        raise PsfError(f"{path} needs more memory than there is; crop it") from error
    except Exception as error:  # decoders raise anything over a damaged file
        lines = str(error).strip().splitlines()
        detail = lines[0] if lines else type(error).__name__
        raise PsfError(f"{path} cannot be decoded ({detail}); the file is damaged or not what its name says") from error
    return accept_psf(values, name=str(path))


def _check_input(path: Path) -> None:
    try:
        if path.is_dir():
            raise PsfError(f"{path} is a folder, expected a PSF; name a file in it")
        size = path.stat().st_size
        if not path.is_file():  # opening a pipe would wait for ever
            raise PsfError(f"{path} is a pipe or a device, expected a file; save the PSF first")
    except FileNotFoundError:
        raise PsfError(f"{path} does not exist; check the name, or describe the PSF as in disk:7.5") from None
    except (OSError, ValueError) as error:
        raise PsfError(f"{path} cannot be opened ({error}); check its name and permissions") from error
    if size == 0:
        raise PsfError(f"{path} is empty (0 bytes), expected a PSF; copy it again")


def _check_sides(path: Path, shape: tuple[int, ...]) -> None:
    if max(shape, default=0) > LIMIT:
        raise PsfError(f"{path} holds an array of shape {shape}, expected sides of at most {LIMIT} px; crop it")


def _picture(path: Path) -> "np.ndarray[Any, np.dtype[Any]]":
    from unblur.io.read import read_picture

    pixels = read_picture(path, limit=LIMIT * LIMIT).pixels
    _check_sides(path, pixels.shape[:2])
    return pixels.astype(np.float64).mean(axis=2)


def _npy(path: Path) -> "np.ndarray[Any, np.dtype[Any]]":
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(values, np.ndarray):
        raise PsfError(f"{path} is an archive of arrays, expected a single one; save it with numpy.save")
    return _numeric(path, values)


def _mat(path: Path) -> "np.ndarray[Any, np.dtype[Any]]":
    planes = real_matrices(path, largest=_LARGEST_MAT)
    chosen = [name for wanted in _MAT_NAMES for name in planes if name.lower() == wanted] or list(planes)
    if not chosen:
        raise PsfError(f"{path} holds no two-dimensional numeric array; save the PSF as a variable named psf")
    if len(chosen) > 1 and chosen[0].lower() not in _MAT_NAMES:
        names = ", ".join(sorted(chosen))
        raise PsfError(f"{path} holds several arrays ({names}), expected one, or one named psf; rename the right one")
    return _numeric(path, planes[chosen[0]])


def _numeric(path: Path, values: "np.ndarray[Any, np.dtype[Any]]") -> "np.ndarray[Any, np.dtype[Any]]":
    if values.dtype.kind not in "buif":
        raise PsfError(f"{path} holds values of type {values.dtype}, expected real numbers; convert them")
    _check_sides(path, values.shape)
    return np.asarray(values, dtype=np.float64)
