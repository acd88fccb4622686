"""The valid part of a convolution against SciPy, and its frame."""

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from tests.conftest import make_chart
from unblur.degrade.blur import valid_blur, valid_frame
from unblur.errors import PsfError
from unblur.psf.grid import PsfGrid
from unblur.tensors import Psf

COMMA = torch.tensor([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]]) / 8  # no symmetry: a flip cannot hide


def random_picture(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_point_of_light_prints_the_psf() -> None:
    point = torch.zeros(1, 1, 9, 11)
    point[..., 4, 6] = 1

    blurred = valid_blur(point, COMMA)

    torch.testing.assert_close(valid_frame(point, COMMA).nonzero()[0], torch.tensor([0, 0, 3, 5]))
    torch.testing.assert_close(blurred[0, 0, 2:5, 4:7], COMMA, atol=1e-6, rtol=0)


@pytest.mark.parametrize("sides", [(1, 1), (3, 7), (13, 5), (20, 31)])
def test_the_valid_part_is_that_of_scipy(sides: tuple[int, int]) -> None:
    kh, kw = sides[0] | 1, sides[1] | 1
    image, psf = random_picture(2, 3, 23, 34), random_picture(kh, kw, seed=2)

    blurred = valid_blur(image, psf)

    expected = np.stack([[convolve2d(plane, psf, mode="valid") for plane in picture] for picture in image.numpy()])
    np.testing.assert_allclose(blurred.numpy(), expected, atol=1e-12)


def test_each_picture_may_have_its_own_psf() -> None:
    images, psfs = random_picture(2, 3, 17, 22), random_picture(2, 5, 3, seed=2)

    together = valid_blur(images, psfs)

    apart = torch.cat([valid_blur(image[None], psf) for image, psf in zip(images, psfs, strict=True)])
    torch.testing.assert_close(together, apart, atol=1e-12, rtol=0)


def test_the_psf_takes_the_number_type_of_the_picture() -> None:
    assert valid_blur(random_picture(1, 1, 9, 12).float(), COMMA.double()).dtype == torch.float32


@pytest.mark.parametrize(
    ("psf", "said"),
    [
        (torch.ones(9, 3), r"9 x 3 pixels, expected at most the picture's 8 x 12"),
        (torch.ones(2, 3), r"2 x 3 pixels, expected odd sides"),
        (torch.ones(3, 3, 3), r"\(3, 3, 3\) for 2 pictures"),
    ],
)
def test_a_psf_that_does_not_fit_is_refused(psf: torch.Tensor, said: str) -> None:
    with pytest.raises(PsfError, match=said):
        valid_blur(random_picture(2, 1, 8, 12), psf)


def test_a_grid_of_equal_psfs_blurs_as_one_does(comma: Psf) -> None:
    scene = make_chart(300, 157)
    grid = PsfGrid.at([(3, 200, comma), (150, 7, comma), (70, 90, comma), (90, 260, comma)])

    torch.testing.assert_close(valid_blur(scene, grid), valid_blur(scene, comma), atol=1e-5, rtol=0)
    assert valid_frame(scene, grid).shape == valid_blur(scene, grid).shape


def test_each_point_of_light_prints_the_psf_of_its_own_place(comma: Psf) -> None:
    grid = PsfGrid.evenly([[comma, comma.flip(1)], [comma.flip(0), comma.T.contiguous()]])
    points = [(10, 20), (100, 20), (60, 145), (40, 128)]  # row, column of the frame; one at the seam of two strips
    scene = torch.zeros(1, 1, 203, 163)
    for row, column in points:
        scene[..., row + 1, column + 1] = 1

    found = valid_blur(scene, grid)

    placed = grid.on(201, 161)
    for row, column in points:
        expected = placed.psf_at(column, row)
        torch.testing.assert_close(found[0, 0, row - 1 : row + 2, column - 1 : column + 2], expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.sum(), torch.tensor(4.0))
