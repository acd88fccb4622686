from typing import Literal

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.psf.parametric import disk
from unblur.solvers.wiener import WienerSettings, wiener, wiener_reach

COMMA = torch.tensor([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]], dtype=torch.float64) / 8


def random_image(*shape: int) -> Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(4))


def full(image: Tensor) -> Tensor:
    return torch.ones_like(image)


def matrix(kernel: np.ndarray, height: int, width: int) -> np.ndarray:
    """Circular convolution with a kernel, as SciPy has it, one column for each pixel."""
    units = np.eye(height * width).reshape(-1, height, width)
    return np.stack([ndimage.convolve(unit, kernel, mode="wrap").ravel() for unit in units], axis=1)


@pytest.mark.parametrize("prior", ["flat", "gradient"])
def test_agrees_with_the_normal_equations_solved_densely(prior: Literal["flat", "gradient"]) -> None:
    blurred = random_image(1, 1, 7, 10)
    k = matrix(COMMA.numpy(), 7, 10)
    dx = matrix(np.array([[0.0, 1, -1]]), 7, 10)
    dy = matrix(np.array([[0.0], [1], [-1]]), 7, 10)
    penalty = dx.T @ dx + dy.T @ dy if prior == "gradient" else np.eye(70)
    expected = np.linalg.solve(k.T @ k + 0.02 * penalty, k.T @ blurred.numpy().ravel())
    if prior == "flat":
        expected *= 1.02  # back to unit gain

    restored = wiener(
        blurred, COMMA, weight=full(blurred), settings=WienerSettings(noise_to_signal=0.02, prior=prior, refills=0)
    )

    np.testing.assert_allclose(restored.numpy().ravel(), expected, atol=1e-10)


@pytest.mark.parametrize("prior", ["flat", "gradient"])
def test_a_flat_picture_keeps_its_level(prior: Literal["flat", "gradient"]) -> None:
    flat = torch.full((1, 3, 9, 14), 0.6, dtype=torch.float64)

    restored = wiener(flat, COMMA, weight=full(flat), settings=WienerSettings(prior=prior))

    torch.testing.assert_close(restored, flat, atol=1e-12, rtol=0)


def test_undoes_a_clean_blur() -> None:
    sharp = random_image(2, 3, 9, 14)

    restored = wiener(
        Blur(COMMA, (9, 14))(sharp), COMMA, weight=full(sharp), settings=WienerSettings(noise_to_signal=1e-9)
    )

    torch.testing.assert_close(restored, sharp, atol=1e-5, rtol=0)


def test_more_noise_to_signal_is_smoother() -> None:
    blurred = random_image(1, 1, 9, 14)

    variances = [
        float(wiener(blurred, COMMA, weight=full(blurred), settings=WienerSettings(noise_to_signal=r)).var())
        for r in (0.001, 0.01, 0.1, 1.0)
    ]

    assert variances == sorted(variances, reverse=True)


def test_refills_take_away_what_ignored_pixels_say() -> None:
    smooth = ndimage.gaussian_filter(random_image(24, 30).numpy(), 3, mode="wrap")
    sharp = torch.from_numpy(smooth)[None, None]
    blurred = Blur(COMMA, (24, 30))(sharp)
    weight = full(blurred)
    weight[..., 7, 11] = 0
    spoilt = torch.where(weight > 0, blurred, 1.0)

    errors = [
        float((wiener(spoilt, COMMA, weight=weight, settings=WienerSettings(refills=n)) - sharp).square().mean())
        for n in (0, 1, 3, 9)
    ]

    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.6 * errors[0]


def test_reports_up_to_one() -> None:
    shares: list[float] = []
    blurred = random_image(1, 1, 9, 14)

    wiener(blurred, COMMA, weight=full(blurred), settings=WienerSettings(refills=3), report=shares.append)

    assert shares == sorted(shares)
    assert shares[-1] <= 1


@pytest.mark.parametrize(("name", "value"), [("noise_to_signal", 0.0), ("refills", -1)])
def test_settings_out_of_range_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        WienerSettings(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("prior", ["flat", "gradient"])
@pytest.mark.parametrize("r", [0.1, 0.01, 0.0025])
@pytest.mark.parametrize("radius", [1.5, 4.0])
def test_what_lies_beyond_the_reach_does_not_show(prior: Literal["flat", "gradient"], r: float, radius: float) -> None:
    settings, psf = WienerSettings(noise_to_signal=r, prior=prior, refills=0), disk(radius).double()
    reach = wiener_reach(settings, psf)
    point = torch.zeros(1, 1, 2 * reach + 90, 2 * reach + 90, dtype=torch.float64)
    point[..., 0, 0] = 1

    restored = wiener(point, psf, weight=full(point), settings=settings)

    largest = float(restored.abs().max())
    near, beyond = (restored[..., rows:-rows, :].abs().max() for rows in (reach // 8, reach))
    assert float(beyond) < 1e-3 * largest < float(near)
