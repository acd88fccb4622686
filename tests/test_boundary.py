"""The edge taper: where it blurs, where it does not, and how it leads from one to the other."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from tests.conftest import make_chart
from unblur.boundary import domain, edge_tapered, extended, extended_rows, filled, trusted_mean
from unblur.errors import PsfError
from unblur.fourier import Blur
from unblur.tensors import Psf

LOPSIDED = torch.tensor([[0.0, 0, 4, 0, 0], [0, 0, 2, 1, 0], [0, 0, 0, 0, 1]], dtype=torch.float64) / 8


def chart() -> Tensor:
    return make_chart(30, 41).double()


def share_of_picture(psf: Psf, height: int, width: int) -> np.ndarray:
    """Measured on random pictures, pixel by pixel: how far the taper goes from the blurred picture to the given one."""
    noise = torch.rand(64, 1, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    blurred = Blur(psf, (height, width))(noise)
    way = noise - blurred
    return ((edge_tapered(noise, psf) - blurred) * way).sum(dim=(0, 1)).div(way.square().sum(dim=(0, 1))).numpy()


def test_the_weights_are_the_autocorrelations_of_the_projections() -> None:
    rows = 1 - np.array([16 + 9 + 1, 4 * 3 + 3 * 1, 4]) / 26  # projection 4, 3, 1 at lags 0, 1 and 2
    columns = 1 - np.array([36 + 1 + 1, 6 + 1, 6]) / 38  # 0, 0, 6, 1, 1
    along_height, along_width = np.ones(30), np.ones(41)
    along_height[:3], along_width[:3] = rows, columns
    along_height[-3:], along_width[-3:] = rows[::-1], columns[::-1]

    found = share_of_picture(LOPSIDED, 30, 41)

    np.testing.assert_allclose(found, along_height[:, None] * along_width, atol=1e-12)


def test_the_middle_stays_as_it_is() -> None:
    picture = chart()

    tapered = edge_tapered(picture, LOPSIDED)

    assert torch.equal(tapered[..., 3:-3, 5:-5], picture[..., 3:-3, 5:-5])


def test_the_outermost_pixels_are_those_of_the_circular_blur() -> None:
    picture = chart()
    circular = ndimage.convolve(picture[0, 0].numpy(), LOPSIDED.numpy(), mode="wrap")

    tapered = edge_tapered(picture, LOPSIDED)[0, 0].numpy()

    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        np.testing.assert_allclose(tapered[edge], circular[edge], atol=1e-12)


def test_a_psf_longer_than_half_the_picture_still_gives_weights_from_0_to_1() -> None:
    found = share_of_picture(torch.full((9, 5), 1 / 45, dtype=torch.float64), 9, 12)

    distance = np.minimum(np.arange(9), np.arange(9)[::-1])
    np.testing.assert_allclose(found[:, 6], distance / 9, atol=1e-12)


def test_what_needs_no_taper_is_not_changed() -> None:
    point = torch.ones(1, 1, dtype=torch.float64)
    flat = torch.full((2, 3, 8, 10), 0.3, dtype=torch.float64)

    torch.testing.assert_close(edge_tapered(chart(), point), chart(), atol=1e-12, rtol=0)
    torch.testing.assert_close(edge_tapered(flat, LOPSIDED), flat, atol=1e-12, rtol=0)


def test_a_psf_larger_than_the_picture_is_refused() -> None:
    with pytest.raises(PsfError, match="expected at most"):
        edge_tapered(chart()[..., :2, :], LOPSIDED)


@pytest.mark.parametrize("size", [(40, 52), (9, 60), (33, 7)])
def test_an_extended_photograph_read_in_rows_is_the_one_made_whole(size: tuple[int, int]) -> None:
    psf, picture = torch.zeros(11, 17), torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(3))
    whole, _, inside = extended(picture, psf)

    assert domain(size, psf) == (tuple(whole.shape[-2:]), inside)
    for rows in (slice(0, 5), slice(3, whole.shape[-2]), slice(whole.shape[-2] // 2, whole.shape[-2] // 2 + 1)):
        found = extended_rows(lambda numbers: picture[0, 0, numbers], size, psf, rows)
        torch.testing.assert_close(found, whole[0, 0, rows], atol=1e-6, rtol=0)


def test_what_is_a_circle_already_is_not_extended() -> None:
    picture, psf = make_chart(29, 40), torch.zeros(5, 9)
    along_height, weight, inside = extended(picture, psf, circular=(False, True))

    assert along_height.shape[-1] == 40
    assert along_height.shape[-2] >= 29 + 2 * 5
    assert inside[1] == slice(0, 40)
    assert bool((weight[..., inside[0], :] == 1).all())
    assert float(weight.sum()) == 29 * 40
    torch.testing.assert_close(along_height[..., inside[0], :], picture)
    both, weight, _ = extended(picture, psf, circular=(True, True))
    assert torch.equal(both, picture)
    assert bool((weight == 1).all())


def test_what_is_trusted_has_the_same_mean_in_parts_and_fills_what_nothing_is_near() -> None:
    picture, weight = torch.cat([chart(), chart().square()], dim=1), torch.ones(1, 1, 30, 41, dtype=torch.float64)
    weight[..., 5:25, 8:30] = 0
    parts = [slice(0, 7), slice(7, 30)]

    mean = trusted_mean([picture[..., rows, :] for rows in parts], [weight[..., rows, :] for rows in parts])

    torch.testing.assert_close(mean, trusted_mean([picture], [weight]))
    torch.testing.assert_close(mean[0, 1, 0, 0], picture[0, 1][weight[0, 0] == 1].mean())
    found = filled(picture, weight, LOPSIDED)
    torch.testing.assert_close(found[..., 15, 18], mean[..., 0, 0])
    assert float(filled(picture, weight, LOPSIDED, usual=mean + 1)[0, 0, 15, 18]) == float(found[0, 0, 15, 18]) + 1
