"""The statistics of the sensor's noise against closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from unblur.degrade.noise import gaussian, grained, poisson_gaussian


def seeded(seed: int = 4) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def grey(value: float, pictures: int = 1) -> torch.Tensor:
    return torch.full((pictures, 1, 150, 200), value, dtype=torch.float64)


def test_gaussian_noise_has_the_given_standard_deviation_and_no_mean() -> None:
    added = gaussian(grey(0.99), 0.05, seeded()) - 0.99

    assert added.std().item() == pytest.approx(0.05, rel=0.02)
    assert added.mean().item() == pytest.approx(0, abs=0.05 * 4 / math.sqrt(added.numel()))


def test_every_picture_has_its_own_noise() -> None:
    noisy = gaussian(grey(0.5, 2), torch.tensor([0.0, 0.1]), seeded())

    assert torch.equal(noisy[0], grey(0.5)[0])
    assert noisy[1].std().item() == pytest.approx(0.1, rel=0.03)


@pytest.mark.parametrize("value", [0.02, 0.4, 3.0])
def test_photon_noise_has_the_variance_of_its_light(value: float) -> None:
    noisy = poisson_gaussian(grey(value), 0.01, 500, seeded())

    assert noisy.mean().item() == pytest.approx(value, rel=0.01)
    assert noisy.var().item() == pytest.approx(value / 500 + 0.01**2, rel=0.04)


def test_photons_are_whole() -> None:
    counts = poisson_gaussian(grey(0.3), 0, 20, seeded()) * 20

    torch.testing.assert_close(counts, counts.round(), atol=1e-9, rtol=0)
    assert counts.unique().numel() > 10


def test_an_infinite_peak_is_no_photon_noise() -> None:
    noisy = poisson_gaussian(grey(0.3, 2), 0, torch.tensor([math.inf, 100.0]), seeded())

    assert torch.equal(noisy[0], grey(0.3)[0])
    assert noisy[1].var().item() == pytest.approx(0.003, rel=0.04)


def test_darkness_stays_dark_without_read_out_noise() -> None:
    assert torch.equal(poisson_gaussian(grey(-0.001), 0, 100, seeded()), grey(0))


@pytest.mark.parametrize("size", [0.5, 1.0, 1.5])
def test_grain_is_gaussian_smoothing_that_keeps_the_strength(size: float) -> None:
    white = torch.randn(1, 2, 400, 300, generator=seeded(5), dtype=torch.float64)

    coarse = grained(white, size)

    smooth = [gaussian_filter(plane.numpy(), size, mode="wrap", truncate=4 / size) for plane in white[0]]
    expected = torch.from_numpy(np.stack(smooth))
    assert torch.allclose(coarse[0] / coarse[0].std(), expected / expected.std(), atol=1e-9)
    assert float(coarse.std()) == pytest.approx(1.0, abs=0.03)


def test_every_picture_has_its_own_grain_and_none_stays_as_it_was() -> None:
    white = torch.randn(3, 1, 40, 30, generator=torch.Generator().manual_seed(5))

    mixed = grained(white, torch.tensor([0.0, 0.7, 1.4]))

    assert torch.equal(mixed[0], white[0])
    for number, size in ((1, 0.7), (2, 1.4)):
        assert torch.allclose(mixed[number], grained(white[number : number + 1], size)[0], atol=1e-6)
