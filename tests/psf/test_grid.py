"""PSFs at places of a picture: shares that sum to 1, what lies between and beyond."""

import numpy as np
import pytest
import torch

from unblur.errors import PsfError
from unblur.psf.grid import Place, PsfGrid, typical
from unblur.psf.parametric import disk, motion
from unblur.tensors import Psf

POINTS = [(5.0, 3.0), (90.0, 10.0), (40.0, 60.0), (70.0, 35.0), (20.0, 44.0)]


def scattered(comma: Psf) -> PsfGrid:
    """Five PSFs that lie anyhow, of different sizes."""
    psfs = [comma, comma.flip(0), disk(2.0), motion(7.0, 20.0), comma.T.contiguous()]
    return PsfGrid.at([(x, y, psf) for (x, y), psf in zip(POINTS, psfs, strict=True)])


def test_an_even_grid_has_its_psfs_at_the_corners_and_their_mixture_between(comma: Psf) -> None:
    grid = PsfGrid.evenly([[comma, comma.flip(0), comma], [comma.flip(1), comma, comma]])

    placed = grid.on(41, 81)

    torch.testing.assert_close(placed.psf_at(0, 0), comma)
    torch.testing.assert_close(placed.psf_at(40, 0), comma.flip(0))
    torch.testing.assert_close(placed.psf_at(0, 40), comma.flip(1))
    torch.testing.assert_close(placed.psf_at(10, 0), 0.75 * comma + 0.25 * comma.flip(0))
    torch.testing.assert_close(placed.psf_at(0, 30), 0.25 * comma + 0.75 * comma.flip(1))
    assert placed.spacing == (40, 40)


def test_psfs_of_different_sizes_keep_their_origin(comma: Psf) -> None:
    grid = PsfGrid.at([(0, 0, comma), (50, 0, disk(4.0))])

    assert grid.psfs.shape == (2, *disk(4.0).shape)
    torch.testing.assert_close(grid.psfs.sum(dim=(1, 2)), torch.ones(2))
    middle = grid.psfs.shape[1] // 2
    torch.testing.assert_close(grid.psfs[0, middle - 1 : middle + 2, middle - 1 : middle + 2], comma)


@pytest.mark.parametrize("seed", [0, 1])
def test_shares_sum_to_one_wherever_the_points_lie(seed: int, comma: Psf) -> None:
    place = np.random.default_rng(seed).uniform(-50, 150, (2, 400))

    shares = scattered(comma).on(70, 100).shares(*place)

    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-9)


def test_scattered_points_have_their_own_psf_and_linear_mixtures_between(comma: Psf) -> None:
    placed = scattered(comma).on(70, 100)

    for number, (x, y) in enumerate(POINTS):
        torch.testing.assert_close(placed.psf_at(x, y), placed.psfs[number], atol=1e-6, rtol=0)
    x, y = 0.5 * (POINTS[2][0] + POINTS[3][0]), 0.5 * (POINTS[2][1] + POINTS[3][1])
    torch.testing.assert_close(placed.psf_at(x, y), (placed.psfs[2] + placed.psfs[3]) / 2, atol=1e-6, rtol=0)


def test_beyond_the_points_the_nearest_place_of_their_outline_counts(comma: Psf) -> None:
    placed = PsfGrid.at([(10, 10, comma), (50, 10, disk(2.0)), (10, 40, motion(5.0, 0.0)), (60, 55, disk(1.0))])

    psfs = placed.on(70, 100)

    torch.testing.assert_close(psfs.psf_at(-20, -30), psfs.psfs[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(psfs.psf_at(30, -99), (psfs.psfs[0] + psfs.psfs[1]) / 2, atol=1e-6, rtol=0)


def test_points_on_one_slanted_line_vary_along_it_only(comma: Psf) -> None:
    psfs = PsfGrid.at([(10, 10, comma), (50, 30, comma.flip(0)), (90, 50, comma.flip(1))]).on(70, 100)

    torch.testing.assert_close(psfs.psf_at(30, 20), (comma + comma.flip(0)) / 2, atol=1e-6, rtol=0)
    torch.testing.assert_close(psfs.psf_at(30 - 5, 20 + 10), (comma + comma.flip(0)) / 2, atol=1e-6, rtol=0)


def test_shares_of_the_side_grow_with_the_picture_and_a_corner_moves_all(comma: Psf) -> None:
    grid = PsfGrid.at([(Place(share=0.25), 0, comma), (Place(share=0.75), 0, comma.flip(0))])

    torch.testing.assert_close(grid.on(9, 101).psf_at(50, 0), (comma + comma.flip(0)) / 2)
    torch.testing.assert_close(grid.on(9, 201).psf_at(100, 0), (comma + comma.flip(0)) / 2)
    torch.testing.assert_close(grid.on(9, 201, corner=(40, 3)).psf_at(60, 0), (comma + comma.flip(0)) / 2)
    assert grid.on(9, 101).spacing == (None, 50)


def test_one_psf_stands_for_all_by_its_size(comma: Psf) -> None:
    grid = PsfGrid.at([(0, 0, comma), (50, 0, disk(4.0))])

    assert typical(grid).shape == disk(4.0).shape
    assert typical(comma) is comma


def test_what_is_no_grid_is_refused(comma: Psf) -> None:
    with pytest.raises(PsfError, match="has 0 PSFs, expected 1 to 1024"):
        PsfGrid.at([])
    with pytest.raises(PsfError, match="have 2, 1 PSFs, expected as many in each"):
        PsfGrid.evenly([[comma, comma], [comma]])
    with pytest.raises(PsfError, match="not a finite number"):
        PsfGrid.at([(float("nan"), 0, comma)])
    with pytest.raises(PsfError, match="several PSFs at column 4, row 5"):
        PsfGrid.at([(4, 5, comma), (Place(share=0.04), 5, comma)]).on(70, 101)
