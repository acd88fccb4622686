"""PSNR and SSIM against closed forms, scikit-image and torchmetrics."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from unblur.errors import ImageError
from unblur.metrics import gain_fitted_psnr, psf_crop, psnr, ssim


def pair(channels: int = 1, batch: int = 1) -> tuple[Tensor, Tensor]:
    """A smooth random picture, 40 x 56, and a noisy copy that leaves [0, 1] here and there."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(batch, channels, 10, 14, generator=generator, dtype=torch.float64)
    sharp = torch.nn.functional.interpolate(coarse, size=(40, 56), mode="bilinear")
    noise = torch.randn(sharp.shape, generator=generator, dtype=torch.float64)
    return sharp + 0.1 * noise, sharp


def test_an_error_of_a_tenth_everywhere_is_twenty_decibels() -> None:
    sharp = torch.full((1, 1, 5, 7), 0.5, dtype=torch.float64)

    assert psnr(sharp + 0.1, sharp).item() == pytest.approx(20)


def test_equal_pictures_have_infinite_psnr_and_ssim_one() -> None:
    _, sharp = pair()

    assert psnr(sharp, sharp).item() == math.inf
    assert ssim(sharp, sharp).item() == pytest.approx(1)


def test_psnr_agrees_with_scikit_image() -> None:
    restored, sharp = pair(channels=3)

    expected = peak_signal_noise_ratio(sharp[0].numpy(), restored[0].clamp(0, 1).numpy(), data_range=1)  # type: ignore[no-untyped-call]

    assert psnr(restored, sharp).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_agrees_with_scikit_image(channels: int) -> None:
    restored, sharp = pair(channels=channels)

    expected = structural_similarity(  # type: ignore[no-untyped-call]
        sharp[0].numpy(),
        restored[0].clamp(0, 1).numpy(),
        data_range=1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=0,
    )

    assert ssim(restored, sharp).item() == pytest.approx(expected, abs=1e-9)


def test_psnr_agrees_with_torchmetrics() -> None:
    functional = pytest.importorskip("torchmetrics.functional.image")
    restored, sharp = pair(channels=3)

    expected = functional.peak_signal_noise_ratio(restored.clamp(0, 1), sharp, data_range=1.0)

    assert psnr(restored, sharp).item() == pytest.approx(expected.item(), abs=1e-5)


def test_ssim_agrees_with_torchmetrics_inside_the_picture() -> None:
    functional = pytest.importorskip("torchmetrics.functional.image")
    restored, sharp = pair()

    # torchmetrics mirrors at the border; the map's inside does not know of that.
    _, similarity = functional.structural_similarity_index_measure(
        restored.clamp(0, 1), sharp, data_range=1.0, sigma=1.5, return_full_image=True
    )

    assert ssim(restored, sharp).item() == pytest.approx(similarity[..., 5:-5, 5:-5].mean().item(), abs=1e-6)


def test_float32_and_float64_agree() -> None:
    restored, sharp = pair()

    assert ssim(restored.float(), sharp.float()).item() == pytest.approx(ssim(restored, sharp).item(), abs=1e-5)
    assert psnr(restored.float(), sharp.float()).item() == pytest.approx(psnr(restored, sharp).item(), abs=1e-4)


def test_each_picture_of_a_batch_has_its_own_number() -> None:
    restored, sharp = pair(batch=2)
    restored[1] = sharp[1] + 0.02

    for metric in (psnr, ssim, gain_fitted_psnr):
        together = metric(restored, sharp)
        alone = torch.cat([metric(restored[i : i + 1], sharp[i : i + 1]) for i in range(2)])
        torch.testing.assert_close(together, alone)
        assert together[0] < together[1]


def test_what_leaves_the_range_is_clipped_before_it_is_compared() -> None:
    white = torch.ones(1, 1, 12, 13)

    assert psnr(white * 3, white).item() == math.inf


def test_colour_averages_the_squared_error_not_the_decibels() -> None:
    sharp = torch.full((1, 3, 4, 5), 0.5, dtype=torch.float64)
    restored = sharp.clone()
    restored[:, 0] += 0.1

    assert psnr(restored, sharp).item() == pytest.approx(-10 * math.log10(0.01 / 3))


def test_the_border_is_left_out_on_its_own_axis() -> None:
    sharp = torch.full((1, 1, 20, 30), 0.5)
    restored = sharp.clone()
    restored[..., :2, :] = 1
    restored[..., -3:] = 0

    assert psnr(restored, sharp, crop=(2, 3)).item() == math.inf
    assert psnr(restored, sharp, crop=(3, 2)).item() < 40
    assert psnr(restored, sharp, crop=2).item() < 40


def test_half_a_psf_is_counted_by_rows_and_columns() -> None:
    assert psf_crop(torch.ones(5, 9) / 45) == (2, 4)
    assert psf_crop(torch.ones(1, 1)) == (0, 0)


def test_a_border_of_nothing_crops_nothing() -> None:
    restored, sharp = pair()

    torch.testing.assert_close(psnr(restored, sharp, crop=psf_crop(torch.ones(1, 1))), psnr(restored, sharp))


def test_the_fitted_gain_undoes_an_exposure() -> None:
    _, sharp = pair()
    dark = sharp * 0.4

    assert psnr(dark, sharp).item() < 15
    assert gain_fitted_psnr(dark, sharp).item() > 200


def test_the_fitted_gain_is_the_least_squares_one() -> None:
    restored, sharp = pair()
    values = restored.clamp(0, 1).numpy().ravel()
    gain = np.linalg.lstsq(values[:, None], sharp.numpy().ravel(), rcond=None)[0][0]

    expected = peak_signal_noise_ratio(sharp.numpy().ravel(), np.clip(gain * values, 0, 1), data_range=1)  # type: ignore[no-untyped-call]

    assert gain_fitted_psnr(restored, sharp).item() == pytest.approx(expected, abs=1e-9)


def test_a_black_restoration_has_a_finite_fitted_psnr() -> None:
    _, sharp = pair()

    assert math.isfinite(gain_fitted_psnr(torch.zeros_like(sharp), sharp).item())


def test_pictures_of_different_shape_are_refused() -> None:
    with pytest.raises(ImageError, match="equal shapes"):
        psnr(torch.rand(1, 1, 8, 9), torch.rand(1, 1, 9, 8))


def test_a_crop_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ImageError, match="crop less"):
        psnr(torch.rand(1, 1, 8, 9), torch.rand(1, 1, 8, 9), crop=4)


def test_a_picture_smaller_than_the_window_is_refused() -> None:
    with pytest.raises(ImageError, match="11 x 11"):
        ssim(torch.rand(1, 1, 10, 30), torch.rand(1, 1, 10, 30))
