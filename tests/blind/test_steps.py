"""The two steps of a blind estimate, each with the other one's answer known."""

import pytest
import torch

from tests.blind.scenes import leaves, taken
from unblur.blind.cleanup import alike, cleaned, spread
from unblur.blind.kernel_step import psf_between
from unblur.blind.latent_step import sharpened
from unblur.blind.plausible import implausibility
from unblur.blind.pyramid import larger, levels, smaller
from unblur.differences import difference
from unblur.fourier import Blur
from unblur.metrics import psnr
from unblur.psf.parametric import disk, gauss, motion
from unblur.tensors import Psf

SIZE = (72, 96)


def test_the_psf_between_a_picture_and_its_blur_is_found_the_right_way_round(comma: Psf) -> None:
    sharp = leaves(*SIZE)

    found = psf_between(
        sharp, Blur(comma, SIZE)(sharp), weight=torch.ones(1, 1, *SIZE), ridge=1e-3, start=torch.ones(7, 7) / 49
    )

    expected = torch.nn.functional.pad(comma, (2, 2, 2, 2))
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0)


def test_pixels_without_weight_do_not_mislead_the_psf(comma: Psf) -> None:
    sharp = leaves(*SIZE)
    blurred = Blur(comma, SIZE)(sharp)
    weight = torch.ones(1, 1, *SIZE)
    weight[..., 20:40, 30:60] = 0
    ruined = torch.where(weight > 0, blurred, torch.rand(SIZE, generator=torch.Generator().manual_seed(3)))
    start = torch.ones(5, 5) / 25

    right, wrong = (
        psf_between(sharp, ruined, weight=trust, ridge=1e-3, start=start) for trust in (weight, torch.ones_like(weight))
    )

    assert alike(cleaned(right, threshold=0, island=0), comma) > 0.999
    assert (right - wrong).abs().max() > 0.02


def test_a_sharpened_picture_has_steeper_and_fewer_edges_and_lies_nearer_to_the_truth() -> None:
    sharp, psf = leaves(*SIZE), motion(7, 30)
    blurred = Blur(psf, SIZE)(sharp)
    ones = torch.ones(1, 1, *SIZE)

    found = sharpened(blurred, psf, weight=ones, clipped=0 * ones, sparsity=1e-3)

    assert psnr(found, sharp) > psnr(blurred, sharp) + 3
    assert (difference(found, -1).abs() > 1e-3).float().mean() < (difference(blurred, -1).abs() > 1e-3).float().mean()


def test_more_sparsity_leaves_fewer_gradients() -> None:
    blurred = Blur(disk(2), SIZE)(leaves(*SIZE))
    ones = torch.ones(1, 1, *SIZE)

    few, many = (
        sharpened(blurred, disk(2), weight=ones, clipped=0 * ones, sparsity=sparsity) for sparsity in (0.05, 0.001)
    )

    assert (difference(few, -1).abs() > 1e-2).sum() < 0.7 * (difference(many, -1).abs() > 1e-2).sum()


def test_a_clipped_light_comes_out_brighter_than_white() -> None:
    sharp = torch.full((1, 1, *SIZE), 0.2)
    sharp[..., 30:36, 40:46] = 4
    light = Blur(disk(3), SIZE)(sharp)
    clipped = (light >= 1).to(light)

    found = sharpened(light.clamp_max(1), disk(3), weight=1 - clipped, clipped=clipped, sparsity=1e-3)

    assert float(found[..., 30:36, 40:46].mean()) > 1.5


@pytest.mark.parametrize("side", [3, 5, 27, 61])
def test_levels_rise_from_3_pixels_to_the_whole_size(side: int) -> None:
    found = levels(side)

    assert (found[0].side, found[-1].side, found[-1].scale) == (3, side, 1.0)
    assert all(level.side % 2 for level in found)
    assert [level.side for level in found] == sorted(level.side for level in found)


def test_a_psf_keeps_its_shape_from_level_to_level_and_grows_by_the_pictures_factor() -> None:
    grown = larger(disk(3), 15, 2.0)

    assert grown.shape == (15, 15)
    assert float(grown.sum()) == pytest.approx(1)
    assert alike(grown, disk(6)) > 0.95
    assert spread(grown) == pytest.approx(spread(disk(6)), rel=0.06)


def test_what_a_grown_psf_has_no_room_for_is_lost() -> None:
    assert larger(disk(3), 9, 2.0).shape == (9, 9)
    assert torch.equal(larger(disk(3), 7, 1.0), disk(3))


def test_smoothness_takes_out_the_speckle_that_noise_leaves() -> None:
    sharp, psf = leaves(*SIZE), gauss(1.2)
    noise = 0.1 * torch.randn(1, 1, *SIZE, generator=torch.Generator().manual_seed(5))
    blurred, weight = Blur(psf, SIZE)(sharp) + noise, torch.ones(1, 1, *SIZE)
    start = torch.zeros_like(psf)

    rough, smooth = (
        (psf_between(sharp, blurred, weight=weight, ridge=1e-3, smoothness=much, start=start) - psf).norm()
        for much in (0.0, 30.0)
    )

    assert smooth < 0.7 * rough


@pytest.mark.parametrize("wrong", [motion(7, 120), motion(15, 30)])
def test_the_true_psf_is_more_plausible_than_a_wrong_one(wrong: Psf) -> None:
    blurred, ones = taken(motion(9, 30), 100, 120), torch.ones(1, 1, 100, 120)

    assert implausibility(blurred, motion(9, 30), weight=ones) < implausibility(blurred, wrong, weight=ones)


def test_ignored_pixels_do_not_make_a_psf_implausible() -> None:
    blurred, weight = taken(motion(9, 30), 100, 120), torch.ones(1, 1, 100, 120)
    weight[..., 50:54, 60:64] = 0
    ruined = torch.where(weight > 0, blurred, 1.0)

    seen = implausibility(ruined, motion(9, 30), weight=torch.ones_like(weight))
    ignored, clean = (implausibility(each, motion(9, 30), weight=weight) for each in (ruined, blurred))

    assert ignored == pytest.approx(clean, rel=0.05)
    assert seen > 1.1 * clean


def test_a_picture_shrinks_to_a_levels_scale() -> None:
    assert smaller(torch.rand(1, 1, 60, 90), 0.5).shape == (1, 1, 30, 45)
