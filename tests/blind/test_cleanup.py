"""What makes a PSF of a least-squares solution."""

import pytest
import torch

from unblur.blind.cleanup import alike, centred, cleaned, spread
from unblur.psf.parametric import gauss
from unblur.tensors import Psf


def test_negative_and_faint_values_go_and_the_rest_sums_to_1() -> None:
    values = torch.zeros(5, 5)
    values[2, 1:4] = torch.tensor([0.5, 2.0, 0.09])
    values[1, 2] = -3

    found = cleaned(values, threshold=0.05, island=0)

    torch.testing.assert_close(found[2, 1:3], torch.tensor([0.2, 0.8]))
    assert float(found.sum()) == pytest.approx(1)
    assert int((found > 0).sum()) == 2


def test_a_faint_island_is_dropped_but_a_part_that_touches_by_a_corner_stays() -> None:
    values = torch.zeros(7, 7)
    values[1, 1], values[2, 2], values[6, 6] = 1.0, 0.3, 0.1

    found = cleaned(values, threshold=0, island=0.1)

    assert float(found[6, 6]) == 0
    assert float(found[2, 2]) == pytest.approx(0.3 / 1.3)


def test_the_brightest_part_stays_even_if_all_parts_are_small() -> None:
    values = torch.zeros(9, 9)
    values[::2, ::2] = 0.5
    values[4, 4] = 1.0

    assert float(cleaned(values, threshold=0, island=0.9)[4, 4]) == 1


def test_centring_brings_the_centroid_to_within_half_a_pixel(comma: Psf) -> None:
    far = torch.zeros(9, 11)
    far[:3, :3] = comma

    found = centred(far)

    assert found.shape == (9, 11)
    rows, columns = torch.arange(9.0) - 4, torch.arange(11.0) - 5
    assert abs(float((found.sum(1) * rows).sum())) <= 0.5
    assert abs(float((found.sum(0) * columns).sum())) <= 0.5
    assert alike(found, comma) == pytest.approx(1, abs=1e-5)


def test_similarity_is_1_for_a_moved_psf_and_less_for_a_turned_one(comma: Psf) -> None:
    moved = torch.nn.functional.pad(comma, (4, 0, 1, 3))

    assert alike(moved, comma) == pytest.approx(1, abs=1e-5)
    assert alike(comma.flip(0, 1), comma) < 0.97


def test_spread_of_a_gaussian_is_its_standard_deviation_over_both_axes() -> None:
    assert spread(gauss(2)) == pytest.approx(2 * 2**0.5, rel=0.02)
    assert spread(torch.ones(1, 1)) == 0
