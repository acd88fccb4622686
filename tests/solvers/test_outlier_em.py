import math

import pytest
import torch
from scipy.stats import norm
from torch import Tensor

from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.solvers.outlier_em import OutlierEmSettings, inlier_probability, outlier_em
from unblur.solvers.sparse import SparseSettings, sparse

COMMA = torch.tensor([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]], dtype=torch.float64) / 8


def blocks(height: int, width: int) -> Tensor:
    sharp = torch.full((1, 2, height, width), 0.3, dtype=torch.float64)
    sharp[..., 4:11, 6:20] = 0.7
    sharp[:, 1, 12:15, 3:9] = 0.15
    return sharp


def noisy(sharp: Tensor, sigma: float) -> Tensor:
    clean = Blur(COMMA, (sharp.shape[-2], sharp.shape[-1]))(sharp)
    return clean + sigma * torch.randn(sharp.shape, dtype=sharp.dtype, generator=torch.Generator().manual_seed(5))


def full(image: Tensor) -> Tensor:
    return image.new_ones(1, 1, *image.shape[-2:])


@pytest.mark.parametrize(("recorded", "predicted"), [(0.5, 0.5), (0.5, 0.53), (0.52, 0.46), (0.9, 0.4), (0.0, 1.0)])
def test_the_posterior_is_the_one_of_bayes(recorded: float, predicted: float) -> None:
    settings = OutlierEmSettings(noise=0.02, inliers=0.8)
    explained = 0.8 * norm.pdf(recorded, loc=predicted, scale=0.02)

    probability = inlier_probability(
        torch.full((1, 1, 2, 3), recorded, dtype=torch.float64),
        torch.full((1, 1, 2, 3), predicted, dtype=torch.float64),
        settings,
    )

    expected = torch.full((1, 1, 2, 3), float(explained / (explained + 0.2)), dtype=torch.float64)
    torch.testing.assert_close(probability, expected, atol=1e-12, rtol=1e-9)


def test_a_prediction_that_no_sensor_records_is_an_outlier() -> None:
    predicted = torch.tensor([[-0.01, 0.0, 0.5, 1.0, 1.01]]).reshape(1, 1, 1, 5)

    probability = inlier_probability(predicted.clone(), predicted, OutlierEmSettings())

    assert (probability[0, 0, 0] > 0.5).tolist() == [False, True, True, True, False]
    assert probability[0, 0, 0, [0, 4]].tolist() == [0, 0]


def test_the_likelihood_rises_in_every_round_while_nothing_is_clipped() -> None:
    blurred = noisy(blocks(18, 26), 0.01)
    blurred[..., 3, 4] = 0.95  # a hot pixel
    blur = Blur(COMMA, (18, 26))

    def objective(image: Tensor, settings: OutlierEmSettings) -> float:
        scale = settings.noise
        gauss = torch.exp(-((blurred - blur(image)) / scale).square() / 2) / (scale * math.sqrt(2 * math.pi))
        likelihood = torch.log(settings.inliers * gauss + 1 - settings.inliers).sum()
        return float(settings.prior().penalty(image).sum() / (2 * scale**2) - likelihood)

    values = []
    for rounds in range(1, 7):
        settings = OutlierEmSettings(rounds=rounds, steps=5)
        values.append(objective(outlier_em(blurred, COMMA, weight=full(blurred), settings=settings), settings))

    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0]


def test_without_outliers_it_is_the_sparse_method() -> None:
    blurred = noisy(blocks(18, 26), 0.002)
    trusting = OutlierEmSettings(inliers=1 - 1e-12, noise=0.1, rounds=4, steps=10, smoothness=0.001)

    restored = outlier_em(blurred, COMMA, weight=full(blurred), settings=trusting)
    expected = sparse(
        blurred, COMMA, weight=full(blurred), settings=SparseSettings(rounds=4, steps=10, smoothness=0.001)
    )

    torch.testing.assert_close(restored, expected, atol=1e-6, rtol=0)


def test_dead_and_hot_pixels_do_not_ring() -> None:
    sharp = blocks(18, 26)
    blurred = noisy(sharp, 0.005)
    blurred[..., 9, 13] = 0
    blurred[..., 5, 3] = 1

    restored = outlier_em(blurred, COMMA, weight=full(blurred), settings=OutlierEmSettings())
    plain = sparse(blurred, COMMA, weight=full(blurred), settings=SparseSettings())

    assert (restored - sharp).square().mean() < 0.2 * (plain - sharp).square().mean()


def test_clipped_lights_are_restored_better_than_by_the_sparse_method() -> None:
    light = torch.full((1, 1, 36, 50), 0.1, dtype=torch.float64)
    light[..., 20:30:5, 30:45:6] = 5.0
    light[..., 8:14, 5:15] = 0.6
    blurred = noisy(light, 0.005).clamp(0, 1)

    restored = outlier_em(blurred, COMMA, weight=full(blurred), settings=OutlierEmSettings(smoothness=4e-4, rounds=12))
    plain = sparse(blurred, COMMA, weight=full(blurred), settings=SparseSettings(smoothness=4e-4, rounds=12))

    around = light < 1
    assert (restored - light)[around].square().mean() < 0.5 * (plain - light)[around].square().mean()
    assert restored[~around].mean() > 1.5 * plain[~around].mean()


def test_planes_do_not_touch_each_other() -> None:
    blurred = noisy(blocks(18, 26), 0.02)
    settings = OutlierEmSettings(rounds=2)

    together = outlier_em(blurred, COMMA, weight=full(blurred), settings=settings)
    alone = outlier_em(blurred[:, 1:], COMMA, weight=full(blurred), settings=settings)

    torch.testing.assert_close(together[:, 1:], alone, atol=1e-10, rtol=0)


def test_ignored_pixels_have_no_say() -> None:
    blurred = noisy(blocks(18, 26), 0.01)
    weight = full(blurred)
    weight[..., 8:10, 12:15] = 0
    spoilt = torch.where(weight > 0, blurred, torch.full_like(blurred, 0.68))

    restored = outlier_em(spoilt, COMMA, weight=weight, settings=OutlierEmSettings())
    other = outlier_em(torch.where(weight > 0, blurred, 0.72), COMMA, weight=weight, settings=OutlierEmSettings())

    torch.testing.assert_close(restored, other, atol=2e-3, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_flat_pictures_stay_flat_and_finite(dtype: torch.dtype, level: float, trust: float) -> None:
    flat = torch.full((2, 1, 10, 12), level, dtype=dtype)

    restored = outlier_em(flat, COMMA.to(dtype), weight=trust * full(flat), settings=OutlierEmSettings(steps=40))

    assert restored.dtype == dtype
    torch.testing.assert_close(restored, flat, atol=1e-3, rtol=0)


def test_reports_each_round() -> None:
    shares: list[float] = []
    blurred = blocks(18, 26)
    settings = OutlierEmSettings(rounds=4, steps=1)

    outlier_em(blurred, COMMA, weight=full(blurred), settings=settings, report=shares.append)

    assert shares == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smoothness", -1.0),
        ("noise", 0.0),
        ("inliers", 1.0),
        ("inliers", 0.0),
        ("exponent", 3.0),
        ("rounds", 0),
        ("steps", 0),
    ],
)
def test_settings_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        OutlierEmSettings(**{name: value})  # type: ignore[arg-type]
