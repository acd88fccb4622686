"""Pixels in files that memory shows: the system holds what is looked at, and lets go of it where memory is short.

So a server can hold many photographs in little memory. The files are the server's own; no request names them.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from unblur.io.picture import Picture, Pixels


def laid_down(picture: Picture, folder: Path) -> Picture:
    """The same picture, its pixels and opacity in files of an existing folder."""
    alpha = None if picture.alpha is None else _laid_down(picture.alpha, folder / "opacity.npy")
    return replace(picture, pixels=_laid_down(picture.pixels, folder / "pixels.npy"), alpha=alpha)


def mapped(file: Path) -> Pixels:
    """The array in a .npy file. What is written into it stays in memory, the file is never changed."""
    return np.load(file, mmap_mode="c", allow_pickle=False)


def _laid_down(values: Pixels, file: Path) -> Pixels:
    np.save(file, values, allow_pickle=False)
    return mapped(file)
