"""Tables that name a PSF for each of several places of the picture: TOML or CSV."""

import csv
import re
import tomllib
from pathlib import Path
from typing import Any

from torch import Tensor

from unblur.errors import PsfError
from unblur.io.psf import READABLE, TABLES, read_psf
from unblur.psf.grid import LARGEST, MOST, Place, PsfGrid
from unblur.psf.parse import looks_like_grammar
from unblur.tensors import Psf

_LARGEST = 1_000_000
"""Bytes of a table."""
_POINT = {"x", "y", "psf"}


def read_blur(text: str | Path, *, recentre: bool = False, flip: bool = False) -> Psf | PsfGrid:
    """One PSF, or one for each of several places.

    A table is a file that ends in .toml or .csv. The TOML file has either rows of PSFs that spread evenly over the
    picture, ``grid = [["disk:3", "disk:2"], ["disk:4", "corner.npy"]]``, or several ``[[point]]`` with ``x``, ``y``
    and ``psf``; the CSV file has the columns x, y and psf. Places are pixels, (0, 0) the centre of the top left one, or
    shares of the side, ``"50%"``. PSFs are named by the grammar or by a file, its name relative to the table's folder.

    Args:
        text: as for :func:`unblur.io.psf.read_psf`, or a table.
        recentre: as there, each by itself.
        flip: as there, each by itself.

    Raises:
        PsfError: as there, and for a table that is damaged, empty or incomplete; the place in the table is named.
    """
    path = Path(text)
    if path.suffix.lower() not in TABLES or (isinstance(text, str) and looks_like_grammar(text)):
        return read_psf(text, recentre=recentre, flip=flip)
    content, known = _content(path), dict[str, Tensor]()

    def named(value: object, where: str) -> Tensor:
        if not isinstance(value, str) or not value.strip():
            raise PsfError(f"{path}, {where}: the PSF is {value!r}, expected a text, disk:3 or a file's name")
        if value not in known:
            try:
                known[value] = read_psf(_source(value.strip(), path.parent), recentre=recentre, flip=flip)
            except PsfError as error:
                raise PsfError(f"{path}, {where}: {error}") from error
            if sum(psf.numel() for psf in known.values()) > LARGEST:
                raise PsfError(f"{path}, {where}: the PSFs up to here have more than {LARGEST} values; crop them")
        return known[value]

    try:
        if path.suffix.lower() == ".csv":
            return PsfGrid.at([_point(path, row, f"line {line}", named) for line, row in _lines(path, content)])
        table = _toml(path, content)
        if "grid" in table:
            rows = enumerate(_rows(path, table["grid"]), start=1)
            return PsfGrid.evenly(
                [[named(psf, f"row {i}, PSF {j}") for j, psf in enumerate(row, start=1)] for i, row in rows]
            )
        points = enumerate(_points(path, table["point"]), start=1)
        return PsfGrid.at([_point(path, point, f"point {number}", named) for number, point in points])
    except PsfError as error:
        raise error if str(error).startswith(str(path)) else PsfError(f"{path}: {error}") from error


def _content(path: Path) -> str:
    try:
        if not path.is_file():
            kind = "is no file" if path.exists() else "does not exist"
            raise PsfError(f"{path} {kind}, expected a table of PSFs; check the name")
        if path.stat().st_size > _LARGEST:
            raise PsfError(f"{path} has more than {_LARGEST} bytes, expected a table of PSFs; check the name")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PsfError(f"{path} cannot be opened ({error.strerror}); check its name and permissions") from error
    except ValueError as error:
        raise PsfError(f"{path} is not a text in UTF-8 ({error}); save it as such") from error


def _toml(path: Path, content: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PsfError(f"{path} is not TOML ({error}); mend it there") from error
    if len(table) != 1 or not table.keys() <= {"grid", "point"}:
        got = ", ".join(table) or "nothing"
        raise PsfError(f"{path} has {got}, expected either grid, rows of PSFs, or several [[point]]; see docs/psf.md")
    return table


def _rows(path: Path, grid: object) -> list[list[object]]:
    if not isinstance(grid, list) or not grid or not all(isinstance(row, list) and row for row in grid):
        raise PsfError(f'{path}: the grid is {grid!r:.60}, expected rows of PSFs, [["disk:3", "disk:2"]] for instance')
    if sum(len(row) for row in grid) > MOST:
        raise PsfError(f"{path}: the grid has more than {MOST} PSFs; leave some out")
    return grid


def _points(path: Path, points: object) -> list[dict[str, object]]:
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        raise PsfError(f"{path}: point is {points!r:.60}, expected several [[point]] with x, y and psf")
    if len(points) > MOST:
        raise PsfError(f"{path} has {len(points)} points, expected at most {MOST}; leave some out")
    return points


def _lines(path: Path, content: str) -> list[tuple[int, dict[str, object]]]:
    """Line numbers and rows of a CSV file, by the names of its columns."""
    reader = csv.reader(content.splitlines(), skipinitialspace=True)
    try:
        found = [
            (reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise PsfError(f"{path}, line {reader.line_num}: {error}; mend it there") from error
    names = [name.lower() for name in found[0][1]] if found else []
    if sorted(names) != sorted(_POINT):
        raise PsfError(f"{path} begins with {', '.join(names) or 'nothing'}, expected a line of names: x,y,psf")
    if len(found) - 1 > MOST:
        raise PsfError(f"{path} has {len(found) - 1} points, expected at most {MOST}; leave some out")
    for line, row in found[1:]:
        if len(row) != len(names):
            raise PsfError(f'{path}, line {line}: {len(row)} cells, expected 3; quote commas, "motion:15,30"')
    return [(line, dict(zip(names, row, strict=True))) for line, row in found[1:]]


def _point(path: Path, point: dict[str, object], where: str, named: Any) -> tuple[Place, Place, Tensor]:
    if point.keys() != _POINT:
        got = ", ".join(point) or "nothing"
        raise PsfError(f"{path}, {where}: got {got}, expected x, y and psf")
    x, y = (_place(path, where, name, point[name]) for name in ("x", "y"))
    return x, y, named(point["psf"], where)


def _place(path: Path, where: str, name: str, value: object) -> Place:
    """``120``, ``"120"`` or ``"50%"``."""
    text = str(value).strip() if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    match = re.fullmatch(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d{1,2})?)\s*(%?)", text, re.IGNORECASE)
    if match is None:
        raise PsfError(f'{path}, {where}: {name} is {value!r}, expected pixels or a share, 120 or "50%" for instance')
    number = float(match[1])
    return Place(share=number / 100) if match[2] else Place(number)


def _source(text: str, folder: Path) -> str | Path:
    """A PSF's file beside the table, or the grammar."""
    is_file = Path(text).suffix.lower() in (*READABLE, *TABLES) and not looks_like_grammar(text)
    return folder / text if is_file else text
