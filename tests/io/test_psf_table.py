"""Tables of PSFs: two forms of TOML, CSV, and one sentence for whatever is wrong with them."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from unblur.errors import PsfError
from unblur.io.psf import read_psf, write_psf
from unblur.io.psf_table import read_blur
from unblur.psf.grid import PsfGrid
from unblur.psf.parametric import disk, motion
from unblur.tensors import Psf


def table(folder: Path, name: str, content: str) -> Path:
    """A file of this content."""
    (folder / name).write_text(content, encoding="utf-8")
    return folder / name


def grid_of(path: Path, **options: bool) -> PsfGrid:
    """The grid that a table holds."""
    found = read_blur(str(path), **options)
    assert isinstance(found, PsfGrid)
    return found


def test_rows_of_toml_spread_over_the_picture_from_the_top_left(tmp_path: Path) -> None:
    path = table(tmp_path, "lens.toml", 'grid = [["disk:3", "disk:1"], ["motion:5,30", "delta"]]')

    placed = grid_of(path).on(40, 60)

    assert placed.psfs.shape[0] == 4
    torch.testing.assert_close(placed.psf_at(0, 0), read_psf("disk:3"))
    torch.testing.assert_close(placed.psf_at(0, 39).sum(), torch.tensor(1.0))
    middle = placed.psfs.shape[1] // 2
    five = motion(5.0, 30.0)
    reach = five.shape[0] // 2, five.shape[1] // 2
    part = placed.psf_at(0, 39)[middle - reach[0] : middle + reach[0] + 1, middle - reach[1] : middle + reach[1] + 1]
    torch.testing.assert_close(part, five)


@pytest.mark.parametrize("form", ["toml", "csv"])
def test_points_name_files_beside_the_table_and_places_in_pixels_or_shares(
    form: str, tmp_path: Path, comma: Psf
) -> None:
    (tmp_path / "stars").mkdir()
    write_psf(comma, tmp_path / "stars" / "left.npy")
    contents = {
        "toml": '[[point]]\nx = 12.5\ny = "0%"\npsf = "stars/left.npy"\n\n'
        '[[point]]\nx = "100%"\ny = 0\npsf = "motion:5,30"\n',
        "csv": '\ufeffX, Y, PSF\n12.5,0%,stars/left.npy\n\n100%,0,"motion:5,30"\n',
    }

    placed = grid_of(table(tmp_path, f"stars.{form}", contents[form])).on(40, 101)

    torch.testing.assert_close(placed.psf_at(12.5, 7), placed.psfs[0])
    torch.testing.assert_close(placed.psf_at(100, 7), placed.psfs[1])
    assert placed.spacing == (None, 87.5)
    middle = [side // 2 for side in placed.psfs.shape[1:]]
    torch.testing.assert_close(placed.psfs[0, middle[0], middle[1] - 1 : middle[1] + 2], comma[1])


def test_each_psf_is_turned_by_itself(tmp_path: Path, comma: Psf) -> None:
    write_psf(comma, tmp_path / "k.npy")
    path = table(tmp_path, "k.csv", "x,y,psf\n0,0,k.npy\n50,0,k.npy\n")

    torch.testing.assert_close(grid_of(path, flip=True).psfs[1], comma.flip(0, 1))


def test_what_is_no_table_is_one_psf() -> None:
    found = read_blur("disk:3")

    assert isinstance(found, Tensor)
    torch.testing.assert_close(found, disk(3.0))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", "grid = [", "is not TOML"),
        ("a.toml", "grid = []\n", r"expected rows of PSFs"),
        ("a.toml", 'rows = [["disk:3"]]', "has rows, expected either grid"),
        ("a.toml", 'grid = [["disk:3", "disk:2"], ["disk:1"]]', "expected as many in each"),
        ("a.toml", 'grid = [["disk:3", 7]]', "row 1, PSF 2: the PSF is 7, expected a text"),
        ("a.toml", 'grid = [["disk:3"], ["dusk:2"]]', "row 2, PSF 1: 'dusk:2' is no PSF that is known"),
        ("a.toml", 'grid = [["gone.npy"]]', r"gone.npy does not exist"),
        ("a.toml", 'grid = [["a.toml"]]', "is a table of PSFs, expected a single one"),
        ("a.toml", '[[point]]\nx = 1\npsf = "disk:2"', "point 1: got x, psf, expected x, y and psf"),
        ("a.toml", '[[point]]\nx = true\ny = 2\npsf = "disk:2"', "x is True, expected pixels or a share"),
        ("a.toml", '[[point]]\nx = nan\ny = 2\npsf = "disk:2"', "x is nan, expected pixels or a share"),
        ("a.csv", "", "begins with nothing, expected a line of names: x,y,psf"),
        ("a.csv", "x,y,psf\n", "has 0 PSFs, expected 1 to"),
        ("a.csv", "x,y,psf\n1,2,motion:5,30\n", 'line 2: 4 cells, expected 3; quote commas, "motion:15,30"'),
        ("a.csv", "x,y,psf\n1,left,disk:2\n", "line 2: y is 'left'"),
    ],
)
def test_a_wrong_table_is_one_sentence_with_its_name_and_place(
    name: str, content: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(PsfError, match=message) as caught:
        read_blur(table(tmp_path, name, content))

    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_tables_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "c.csv").write_bytes(b"x" * 1_000_001)

    for name, message in [("a.toml", "does not exist"), ("b.toml", "UTF-8"), ("c.csv", "more than 1000000 bytes")]:
        with pytest.raises(PsfError, match=message):
            read_blur(tmp_path / name)


def test_where_one_psf_is_wanted_a_table_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, "lens.toml", 'grid = [["disk:3"]]')

    with pytest.raises(PsfError, match="is a table of PSFs, expected a single one"):
        read_psf(str(path))
