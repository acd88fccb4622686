"""What the universal network knows of light: its scale, the noise, and whether JPEG rounded it in blocks."""

import pytest
import torch

from tests.train.tiny import pictures
from unblur.degrade.jpeg import jpeg
from unblur.networks.light import blockiness, compress, expand, measured_levels, noise_levels


def test_the_light_scale_can_be_undone() -> None:
    light = torch.tensor([-0.2, 0.0, 0.5, 1.0, 3.0, 80.0])

    torch.testing.assert_close(expand(compress(light)), light)
    assert float(compress(torch.tensor(10.0))) == pytest.approx(3.3026, abs=1e-4)
    assert float(expand(torch.tensor(50.0))) == pytest.approx(100)


@pytest.mark.parametrize("sigma", [0.0, 0.01, 0.05])
def test_noise_is_measured(sigma: float) -> None:
    noise = torch.randn(2, 3, 101, 120, generator=torch.Generator().manual_seed(5))
    picture = 0.4 + 0.2 * torch.linspace(0, 1, 120) + sigma * noise

    levels = noise_levels(picture)

    torch.testing.assert_close(levels[:, :2].exp() * 0.01 - 1e-3, torch.full((2, 2), sigma), atol=2e-4, rtol=0.06)


def test_noise_ignores_what_clipped_and_what_has_no_weight() -> None:
    picture = torch.full((1, 1, 40, 60), 0.5)
    picture[..., :30] = torch.rand(40, 30, generator=torch.Generator().manual_seed(1))
    weight = torch.ones(1, 1, 40, 60)
    weight[..., :30] = 0

    assert float(noise_levels(picture, weight=weight)[:, :2].max()) < -2
    assert bool(noise_levels(torch.ones(1, 1, 9, 9)).isfinite().all())


def noisy(height: int, width: int, sigma: float, seed: int = 0) -> torch.Tensor:
    smooth = 0.3 + 0.3 * torch.linspace(0, 1, width).sin()
    drawn = torch.randn(1, 1, height, width, generator=torch.Generator().manual_seed(seed))
    return (smooth + sigma * drawn).clamp(0, 1)


@pytest.mark.parametrize("sigma", [0.003, 0.01, 0.05])
def test_white_noise_counts_as_measured_and_coarse_noise_as_more(sigma: float) -> None:
    drawn = torch.randn(1, 1, 200, 160, generator=torch.Generator().manual_seed(2))
    coarse = torch.nn.functional.avg_pool2d(drawn, 3, 1, 1) * 3  # as much noise, in grains of three pixels

    white, grainy = (0.4 + sigma * noise for noise in (drawn, coarse))

    assert torch.equal(noise_levels(white), measured_levels(white))
    fine, half, blocks = measured_levels(grainy)[0].tolist()
    more = (half - fine - 0.3) * (1 - blocks / 0.5)
    assert more > 0.2
    torch.testing.assert_close(noise_levels(grainy)[0], torch.tensor([fine + more, half + more, blocks]))


def test_fine_noise_that_jpeg_took_away_makes_the_rest_no_coarser() -> None:
    stored = jpeg(noisy(128, 160, 0.02), torch.tensor([75.0]))

    fine, half, _ = measured_levels(stored)[0].tolist()

    assert half > fine + 0.3
    assert torch.equal(noise_levels(stored), measured_levels(stored))


@pytest.mark.parametrize("sigma", [0.0, 0.01, 0.05])
def test_a_photograph_that_was_never_jpeg_has_no_blocks(sigma: float) -> None:
    assert float(blockiness(noisy(400, 300, sigma))) < 0.08


@pytest.mark.parametrize("quality", [40, 75])
def test_jpeg_shows_wherever_its_blocks_begin(quality: int) -> None:
    stored = jpeg(noisy(128, 160, 0.01), torch.tensor([float(quality)]))

    found = [float(blockiness(stored[..., start:])) for start in range(0, 8, 3)]

    assert min(found) > 0.25
    assert max(found) - min(found) < 0.1


def test_one_edge_in_the_scene_is_no_block() -> None:
    picture = noisy(128, 160, 0.01)
    picture[..., 80:] *= 0.2

    assert float(blockiness(picture)) < 0.1


def test_a_small_picture_without_noise_stays_within_what_was_trained() -> None:
    picture = torch.nn.functional.avg_pool2d(pictures()[0][..., :32, :40], 3, 1, 1).clamp(0, 1)

    assert float(blockiness(picture)) == 2


def test_more_rows_of_the_same_leave_blockiness_as_it_is() -> None:
    stored = jpeg(noisy(512, 160, 0.01), torch.tensor([75.0]))

    bands = torch.cat([stored[..., top : top + 64, :] for top in (0, 256)], dim=-2)

    torch.testing.assert_close(blockiness(bands), blockiness(stored), atol=0.1, rtol=0)


def test_pictures_without_a_whole_block_or_without_anything_have_no_blocks() -> None:
    for size in ((1, 1), (5, 10), (40, 60)):
        assert float(blockiness(torch.full((1, 3, *size), 0.5))) == 0


def test_blocks_under_no_weight_do_not_count() -> None:
    picture = noisy(128, 160, 0.01)
    picture[..., :96] = jpeg(picture, torch.tensor([20.0]))[..., :96]
    weight = torch.ones(1, 1, 128, 160)
    weight[..., :96] = 0

    assert float(blockiness(picture)) > 0.1
    assert float(blockiness(picture, weight=weight)) < 0.1
    assert float(blockiness(picture, weight=torch.zeros_like(weight))) == 0
