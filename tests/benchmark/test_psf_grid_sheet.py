from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unblur.benchmark.psf_grid_sheet import arranged, place_in_words, psf_grid_sheet
from unblur.errors import PsfError
from unblur.psf.grid import Place, PsfGrid
from unblur.psf.parametric import delta, disk, motion


def squares(path: Path) -> list[tuple[int, int, int]]:
    """Left, top and lit pixels of each black square of a sheet, row by row."""
    from scipy.ndimage import binary_closing, find_objects, label

    with Image.open(path) as image:
        rgb = np.asarray(image.convert("RGB")).astype(int)
    dark = binary_closing((rgb.max(axis=2) < 30) | (rgb.max(axis=2) - rgb.min(axis=2) > 60), np.ones((9, 9)))
    found = [part for part in find_objects(label(dark)[0]) if part[0].stop - part[0].start > 60]
    return sorted((part[0].start // 20, part[1].start // 20, int((rgb[part][..., 0] > 128).sum())) for part in found)


def test_rows_and_columns_are_drawn_as_they_lie_in_the_picture(tmp_path: Path) -> None:
    grid = PsfGrid.evenly([[disk(7), disk(3)], [delta(), disk(5)]])

    psf_grid_sheet(grid, tmp_path / "sheet.png")

    (top, left, largest), (_, right, small), (bottom, below, point), (_, _, middle) = squares(tmp_path / "sheet.png")
    assert top < bottom
    assert (left, left < right) == (below, True)
    assert largest > middle > small > point > 0
    assert arranged(grid) == "2 x 2, rows by columns"


def test_points_are_drawn_where_they_lie(tmp_path: Path) -> None:
    grid = PsfGrid.at([(100, 100, disk(3)), (900, 150, disk(4)), (300, 800, motion(9, 30))])

    psf_grid_sheet(grid, tmp_path / "sheet.png")

    (top, left, _), (second, right, _), (bottom, between, _) = squares(tmp_path / "sheet.png")
    assert top < second < bottom
    assert left < between < right
    assert arranged(grid) == "3 points"


def test_many_psfs_points_on_each_other_and_a_single_one_can_be_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    many = [(float(x), float(y), disk(2)) for x, y in rng.uniform(0, 4000, (90, 2))]
    close = [(0, 0, disk(2)), (0.5, 0.25, disk(3)), (4000, 20, disk(1))]

    for name, points in (("many", many), ("close", close), ("one", close[:1])):
        psf_grid_sheet(PsfGrid.at(points), tmp_path / f"{name}.png")

    assert {path.stem for path in tmp_path.iterdir()} == {"many", "close", "one"}
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            assert max(image.size) < 2000


def test_places_are_named_as_in_a_table() -> None:
    assert [place_in_words(place) for place in (Place(), Place(12.5), Place(share=0.5), Place(-3.0, 1.0))] == [
        *("0", "12.5", "50%", "100% -3")
    ]


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PsfError, match="cannot be written"):
        psf_grid_sheet(PsfGrid.evenly([[disk(2)]]), tmp_path / "no" / "sheet.png")
