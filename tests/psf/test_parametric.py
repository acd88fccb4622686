import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch import Tensor

from unblur.errors import PsfError
from unblur.psf.parametric import delta, disk, gauss, motion, polygon
from unblur.tensors import Psf

PIXEL = 1 / 12
"""Variance of one pixel's area: integration over pixels adds it to that of the shape."""

SHAPES: dict[str, Callable[[], Tensor]] = {
    "delta": delta,
    "disk of 7": lambda: disk(7),
    "disk of 3.3": lambda: disk(3.3),
    "tiny disk": lambda: disk(0.01),
    "gauss": lambda: gauss(1.7),
    "tiny gauss": lambda: gauss(1e-6),
    "oblique gauss": lambda: gauss(4, 1.2, 30),
    "motion": lambda: motion(15, 30),
    "short motion": lambda: motion(0.2, 77),
    "hexagon": lambda: polygon(6, 9.5, 11),
    "triangle": lambda: polygon(3, 0.9),
}


def moments(psf: Psf) -> tuple[float, float, float, float, float]:
    """Mean x to the right and y upwards, variance of x and of y, and their covariance."""
    kh, kw = psf.shape
    y = kh // 2 - torch.arange(kh, dtype=torch.float64)[:, None]
    x = torch.arange(kw, dtype=torch.float64)[None, :] - kw // 2
    p = psf.double()
    mean_x, mean_y = float((p * x).sum()), float((p * y).sum())
    dx, dy = x - mean_x, y - mean_y
    return mean_x, mean_y, float((p * dx**2).sum()), float((p * dy**2).sum()), float((p * dx * dy).sum())


def fine_grid(psf: Psf) -> tuple[np.ndarray, np.ndarray]:
    """Places of 40 × 40 points a pixel: x to the right as a row, y upwards as a column."""
    kh, kw = psf.shape
    fine = (np.arange(40) + 0.5) / 40 - 0.5
    x = (np.arange(kw)[:, None] - kw // 2 + fine).reshape(1, -1)
    y = -(np.arange(kh)[:, None] - kh // 2 + fine).reshape(-1, 1)
    return x, y


def coverage(inside: np.ndarray) -> np.ndarray:
    """The share of each pixel's points that are inside."""
    height, width = inside.shape
    return inside.reshape(height // 40, 40, width // 40, 40).mean(axis=(1, 3))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_a_valid_centred_psf_in_an_array_without_empty_rims(shape: str) -> None:
    psf = SHAPES[shape]()

    assert psf.dtype == torch.float32
    assert psf.shape[0] % 2 == psf.shape[1] % 2 == 1
    assert float(psf.min()) >= 0
    assert float(psf.double().sum()) == pytest.approx(1, abs=1e-6)
    # Pixels round the place of light: only what has a mirror image in itself keeps its centroid exactly.
    assert moments(psf)[:2] == pytest.approx((0, 0), abs=0.1 if shape == "triangle" else 1e-5)
    assert float(psf[0].sum() + psf[-1].sum()) > 0
    assert float(psf[:, 0].sum() + psf[:, -1].sum()) > 0


@pytest.mark.parametrize("radius", [7.0, 3.3, 0.8])
def test_each_pixel_of_a_disk_holds_the_area_that_numerical_integration_finds(radius: float) -> None:
    psf = disk(radius)

    half = psf.shape[0] // 2
    expected = np.empty(psf.shape)
    for row in range(-half, half + 1):
        for column in range(-half, half + 1):

            def covered(x: float, low: float = row - 0.5, high: float = row + 0.5) -> float:
                reach = math.sqrt(max(0.0, radius**2 - x**2))
                return max(0.0, min(high, reach) - max(low, -reach))

            expected[row + half, column + half] = quad(covered, column - 0.5, column + 0.5, limit=200, epsabs=1e-7)[0]
    np.testing.assert_allclose(psf.numpy() * math.pi * radius**2, expected, atol=2e-5)


def test_a_disk_of_radius_7_fills_15_pixels() -> None:
    assert disk(7).shape == (15, 15)
    assert disk(7.5).shape == (15, 15)
    assert disk(7.51).shape == (17, 17)


def test_a_larger_radius_spreads_the_light_further_even_by_a_hundredth_of_a_pixel() -> None:
    spreads = [moments(disk(5 + step / 100))[2] for step in range(100)]

    assert all(after > before for before, after in pairwise(spreads))
    assert spreads[0] == pytest.approx(5**2 / 4 + PIXEL, rel=5e-3)


@pytest.mark.parametrize("sigma", [0.3, 0.8, 2.5])
def test_a_round_gauss_is_integrated_over_pixels(sigma: float) -> None:
    psf = gauss(sigma)

    half = psf.shape[0] // 2
    line = np.diff(norm.cdf(np.arange(-half - 0.5, half + 1), scale=sigma))
    expected = np.outer(line, line) / line.sum() ** 2
    np.testing.assert_allclose(psf.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("angle", [0, 30, 90, 155, -25])
def test_an_oblique_gauss_lies_along_its_angle_counter_clockwise_on_the_screen(angle: int) -> None:
    psf = gauss(4, 1.5, angle)

    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    along, across = 4.0**2, 1.5**2
    expected = (
        along * cos**2 + across * sin**2 + PIXEL,
        along * sin**2 + across * cos**2 + PIXEL,
        (along - across) * sin * cos,
    )
    assert moments(psf)[2:] == pytest.approx(expected, rel=3e-3, abs=1e-6)


def test_motion_of_30_degrees_rises_to_the_right_on_the_screen() -> None:
    psf = motion(15, 30)

    kh, kw = psf.shape
    upper_right, upper_left = psf[: kh // 2, kw // 2 + 1 :].sum(), psf[: kh // 2, : kw // 2].sum()
    assert kw > kh
    assert float(upper_right) > 0.35
    assert float(upper_left) == 0


@pytest.mark.parametrize("length", [1.0, 6.4, 20.25])
@pytest.mark.parametrize("angle", [0.0, 12.5, 45.0, 90.0, 123.0])
def test_each_pixel_of_a_motion_holds_the_area_of_a_bar_one_pixel_wide(length: float, angle: float) -> None:
    psf = motion(length, angle)

    x, y = fine_grid(psf)
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    inside = (abs(x * cos + y * sin) <= length / 2) & (abs(y * cos - x * sin) <= 0.5)
    np.testing.assert_allclose(psf.numpy() * length, coverage(inside), atol=0.03)


def test_motion_along_an_axis_is_a_row_or_column_of_equal_pixels() -> None:
    torch.testing.assert_close(motion(3, 0), torch.full((1, 3), 1 / 3))
    torch.testing.assert_close(motion(4, 90), torch.tensor([[0.125], [0.25], [0.25], [0.25], [0.125]]))
    torch.testing.assert_close(motion(5, 180), motion(5, 0))


def test_the_shortest_motion_changes_next_to_nothing() -> None:
    torch.testing.assert_close(motion(1, 0), torch.ones(1, 1))
    assert float(motion(1, 45).max()) > 0.8


@pytest.mark.parametrize(("sides", "radius", "angle"), [(3, 5.3, 90.0), (5, 8.0, 13.0), (6, 9.5, 0.0)])
def test_each_pixel_of_a_polygon_holds_its_covered_area(sides: int, radius: float, angle: float) -> None:
    psf = polygon(sides, radius, angle)

    x, y = fine_grid(psf)
    inside = np.ones((y.size, x.size), bool)
    for side in range(sides):
        normal = math.radians(angle) + (2 * side + 1) * math.pi / sides
        inside &= x * math.cos(normal) + y * math.sin(normal) <= radius * math.cos(math.pi / sides)
    area = sides / 2 * radius**2 * math.sin(2 * math.pi / sides)
    np.testing.assert_allclose(psf.numpy() * area, coverage(inside), atol=0.02)


def test_the_first_corner_of_a_polygon_points_where_the_angle_says() -> None:
    upwards = polygon(3, 8, 90)

    assert upwards[: upwards.shape[0] // 2].sum(1).argmin() == 0
    assert float(upwards[0].sum()) > 0
    assert float(upwards[-1].sum()) == 0  # the base lies at half the radius below


def test_a_polygon_of_many_sides_is_nearly_a_disk() -> None:
    assert float((polygon(64, 8) - disk(8)).abs().sum()) < 0.01


@pytest.mark.parametrize("size", [0, -1, math.nan, math.inf, 2001])
@pytest.mark.parametrize(
    "shape", [disk, gauss, lambda s: gauss(2, s), lambda s: motion(s, 30), lambda s: polygon(5, s)]
)
def test_refuses_sizes_that_no_blur_has(shape: Callable[[float], Tensor], size: float) -> None:
    with pytest.raises(PsfError, match="expected a number of pixels above 0 and up to"):
        shape(size)


@pytest.mark.parametrize("angle", [math.nan, math.inf])
@pytest.mark.parametrize("shape", [lambda a: gauss(2, 1, a), lambda a: motion(5, a), lambda a: polygon(5, 4, a)])
def test_refuses_angles_that_are_not_finite(shape: Callable[[float], Tensor], angle: float) -> None:
    with pytest.raises(PsfError, match="finite number of degrees"):
        shape(angle)


@pytest.mark.parametrize("sides", [2, 65])
def test_refuses_polygons_without_area_or_with_endless_sides(sides: int) -> None:
    with pytest.raises(PsfError, match="expected 3 to 64"):
        polygon(sides, 5)
