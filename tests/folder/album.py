"""Folders of small photographs, each another, and how they are restored."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.conftest import make_chart
from unblur.folder.restoration import Work, rows_of, work_in
from unblur.folder.row import Restoring, Row
from unblur.io.psf import read_psf
from unblur.restoration import restore_file


def photograph(path: Path, *, size: tuple[int, int] = (40, 56)) -> Path:
    """A photograph that shows its own name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    share = 0.6 + 0.4 * (sum(path.name.encode()) % 97) / 97
    values = make_chart(*size)[0, 0].numpy() * 255 * share
    Image.fromarray(np.rint(values).astype(np.uint8)).save(path)
    return path


def album(folder: Path, *names: str) -> Path:
    """A folder with photographs of these names."""
    for name in names:
        photograph(folder / name)
    return folder


def by(method: str = "wiener", psf: str = "disk:2", **options: Any) -> Restoring:
    """How they are restored."""
    return partial(restore_file, psf=read_psf(psf), method=method, **options)


def done(folder: Path, output: Path, run: Restoring | None = None, **options: Any) -> list[Row]:
    """Restore a folder."""
    return list(rows_of(looked_at(folder, output, run, **options)))


def looked_at(folder: Path, output: Path, run: Restoring | None = None, **options: Any) -> Work:
    """What is to be done in a folder."""
    return work_in(folder, output, run or by(), **options)


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder by its path from there, hidden files too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
