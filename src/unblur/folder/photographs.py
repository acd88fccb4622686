"""Which files of a folder are restored, in which order, and what their results are called."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unblur.folder.record import RECORD
from unblur.io import raw
from unblur.io.write import FORMATS
from unblur.restoration import output_beside

ENDINGS = frozenset(
    (
        *FORMATS,
        *raw.ENDINGS,
        *(".heic", ".heif", ".hif", ".fits", ".fit", ".fts"),
        *(".gif", ".jp2", ".pbm", ".pgm", ".ppm", ".pnm", ".qoi", ".tga"),
    )
)
"""File name endings, in small letters, of what is taken for a photograph; all else in a folder is left alone."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One photograph of a folder and its result."""

    name: str
    """Of the photograph, from the folder on, with ``/`` on every system."""
    result: str
    """The same of the result, from the folder of results on."""
    photo: Path
    output: Path


def pairs_in(folder: Path, output: Path, *, crop: bool = False) -> tuple[list[Pair], list[str]]:
    """All photographs of a folder and of the folders in it, sorted by name, each with a result of its own.

    Results keep the folders that their photographs are in. Hidden files and folders, links to folders, and folders of
    results (known by their record) are left out. ``a.jpg`` becomes ``a-restored.jpg``; where the format cannot be
    written, the ending moves into the name (``a.nef``: ``a-nef-restored.tif``), so that a camera's pair of files does
    not become one; what would still share a name, even on a disk that does not tell ``A`` from ``a``, is numbered.

    Args:
        folder: with the photographs.
        output: for the results; it may lie inside ``folder``.
        crop: only a part of each is restored, which shows in the name.

    Returns:
        The pairs, and a sentence for every folder that cannot be read.
    """
    unread: list[str] = []
    names = sorted(_names(folder, output, unread), key=lambda name: name.parts)
    taken: set[str] = set()
    pairs = []
    for name in names:
        result = next(free for free in _results(name, crop=crop) if _folded(free) not in taken)
        taken.add(_folded(result))
        pairs.append(Pair(name=name.as_posix(), result=result.as_posix(), photo=folder / name, output=output / result))
    return pairs, sorted(unread)


def _names(folder: Path, output: Path, unread: list[str]) -> Iterator[Path]:
    """The photographs' paths from the folder on, in no order."""
    results = output.resolve()

    def note(error: OSError) -> None:
        unread.append(f"{error.filename}: the folder cannot be read ({error.strerror}); its photographs are left out")

    for place, folders, files in os.walk(folder, onerror=note):
        here = Path(place)
        if here != folder and ((here / RECORD).exists() or here.resolve() == results):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if Path(name).suffix.lower() in ENDINGS and not name.startswith("."):
                yield (here / name).relative_to(folder)


def _results(name: Path, *, crop: bool) -> Iterator[Path]:
    """Names for the result, the best one first."""
    ending = name.suffix
    stem = name.stem if ending.lower() in FORMATS else f"{name.stem}-{ending[1:].lower()}"
    yield output_beside(name.with_name(f"{stem}{ending}"), crop=crop)
    number = 2
    while True:
        yield output_beside(name.with_name(f"{stem}-{number}{ending}"), crop=crop)
        number += 1


def _folded(path: Path) -> str:
    """The name as a disk sees it that ignores capitals and how accents are written."""
    return unicodedata.normalize("NFC", path.as_posix()).casefold()
