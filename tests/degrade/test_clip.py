"""Clipping, lights and the gain that fills a share of the picture with white."""

import pytest
import torch

from unblur.degrade.clip import boosted, clipped, saturating_gain
from unblur.errors import ConfigError


def row(*values: float) -> torch.Tensor:
    return torch.tensor(values)[None, None, None]


def test_values_outside_the_range_of_the_sensor_are_cut() -> None:
    torch.testing.assert_close(clipped(row(-0.5, 0, 0.25, 1, 7)), row(0, 0, 0.25, 1, 1))


def test_only_lights_become_brighter() -> None:
    torch.testing.assert_close(boosted(row(0.5, 0.97, 0.98, 1, 1.5), 12), row(0.5, 0.97, 11.76, 12, 18))


def test_every_picture_has_its_own_factor() -> None:
    images = torch.ones(2, 3, 1, 2)

    lit = boosted(images, torch.tensor([1.0, 5.0]))

    torch.testing.assert_close(lit[:, 0, 0, 0], torch.tensor([1.0, 5.0]))


def test_a_ramp_rises_smoothly_below_the_threshold() -> None:
    lit = boosted(row(0.7, 0.8, 0.85, 0.9, 0.95), 3.0, 0.9, ramp=0.2)

    share = torch.tensor([0.0, 0.5, 0.84375, 1.0, 1.0])  # 3 t² - 2 t³ at t = 0, 1/2, 3/4, 1, 1
    torch.testing.assert_close(lit, row(0.7, 0.8, 0.85, 0.9, 0.95) * (1 + 2 * share))


def test_the_saturating_gain_makes_its_share_of_the_values_white() -> None:
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(2, 3, 40, 50, generator=generator, dtype=torch.float64) * 0.8

    gain = saturating_gain(images, 0.035)

    white = (images * gain.reshape(2, 1, 1, 1) >= 1 - 1e-12).flatten(1).double().mean(1)
    torch.testing.assert_close(white, torch.full((2,), 0.035, dtype=torch.float64), atol=1 / 6000, rtol=0)


def test_the_saturating_gain_stays_between_one_and_the_largest() -> None:
    dark, half_white = torch.full((1, 1, 8, 9), 0.1), torch.full((1, 1, 8, 9), 0.2)
    half_white[..., :4, :] = 1

    assert saturating_gain(dark).tolist() == [2.0]
    assert saturating_gain(torch.zeros(1, 1, 8, 9)).tolist() == [2.0]
    assert saturating_gain(half_white).tolist() == [1.0]
    assert saturating_gain(2 * half_white).tolist() == [1.0]


@pytest.mark.parametrize(("share", "largest"), [(0.0, 2.0), (1.5, 2.0), (0.1, 0.5)])
def test_impossible_saturation_is_refused(share: float, largest: float) -> None:
    with pytest.raises(ConfigError, match="expected"):
        saturating_gain(torch.ones(1, 1, 4, 5), share, largest)


def test_factors_for_another_number_of_pictures_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"\(3,\) for a batch of 2 pictures"):
        boosted(torch.ones(2, 1, 4, 5), torch.ones(3))
