import math

import numpy as np
import pytest
import torch
from torch import Tensor

from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.psf.parametric import disk
from unblur.solvers.richardson_lucy import RichardsonLucySettings, richardson_lucy
from unblur.solvers.saturated_rl import SaturatedRlSettings, response, response_slope, saturated_rl, split_correction

COMMA = torch.tensor([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]], dtype=torch.float64) / 8


def scene(height: int, width: int) -> Tensor:
    """Two planes, the second with a light of six times white."""
    light = torch.full((1, 2, height, width), 0.1, dtype=torch.float64)
    light[..., 4:9, 6:15] = 0.4
    light[:, 1, 20:22, 30:33] = 6.0
    return light


def recorded(light: Tensor) -> Tensor:
    return Blur(COMMA, (light.shape[-2], light.shape[-1]))(light).clamp(0, 1)


def full(image: Tensor) -> Tensor:
    return image.new_ones(1, 1, *image.shape[-2:])


def test_the_response_is_the_formula_of_the_paper() -> None:
    light = torch.linspace(0, 1.5, 31, dtype=torch.float64)

    expected = [x - math.log(1 + math.exp(50 * (x - 1))) / 50 for x in light.tolist()]

    torch.testing.assert_close(response(light, 50.0), torch.tensor(expected, dtype=torch.float64), atol=1e-12, rtol=0)


def test_the_slope_is_the_derivative_of_the_response() -> None:
    light = torch.linspace(0, 2, 41, dtype=torch.float64, requires_grad=True)

    (slope,) = torch.autograd.grad(response(light, 20.0).sum(), light)

    torch.testing.assert_close(response_slope(light.detach(), 20.0), slope, atol=1e-10, rtol=0)


def test_the_response_keeps_its_digits_for_very_bright_light() -> None:
    assert response(torch.tensor([1e3, 1e6, 1e30]), 50.0).tolist() == [1, 1, 1]


def test_far_below_white_it_is_plain_richardson_lucy() -> None:
    blurred = recorded(scene(36, 50)[:, :1])
    weight = full(blurred)
    weight[..., :1] = 0
    seen = Blur(COMMA, (36, 50)).adjoint(weight).expand_as(blurred) > 0.01

    restored = saturated_rl(blurred, COMMA, weight=weight, settings=SaturatedRlSettings(iterations=12))
    plain = richardson_lucy(blurred, COMMA, weight=weight, settings=RichardsonLucySettings(iterations=12))

    torch.testing.assert_close(restored[seen], plain[seen], atol=1e-6, rtol=0)


def test_the_likelihood_of_the_clipped_record_rises_in_every_iteration() -> None:
    blurred = recorded(scene(36, 50)[:, 1:])
    blur = Blur(COMMA, (36, 50))

    values = []
    for iterations in range(1, 40):
        settings = SaturatedRlSettings(iterations=iterations)
        expected = response(blur(saturated_rl(blurred, COMMA, weight=full(blurred), settings=settings)), 50.0)
        values.append(float((blurred * expected.log() - expected).sum()))

    assert values == sorted(values)
    assert values[-1] > values[0] + 1


def test_lights_grow_beyond_white_and_their_surroundings_do_not_ring() -> None:
    light = scene(36, 50)[:, 1:]
    blurred = recorded(light)

    restored = saturated_rl(blurred, COMMA, weight=full(blurred), settings=SaturatedRlSettings())
    whole = saturated_rl(blurred, COMMA, weight=full(blurred), settings=SaturatedRlSettings(bright=1e9))
    plain = richardson_lucy(blurred, COMMA, weight=full(blurred), settings=RichardsonLucySettings(iterations=50))

    target = light.clamp(0, 1)
    around = torch.zeros_like(light, dtype=torch.bool)
    around[..., 16:26, 26:37] = True
    around &= light < 1
    assert restored[light > 1].mean() > 1.5
    ringing, unsplit, unclipped = ((x - target)[around].square().mean() for x in (restored, whole, plain))
    assert ringing < 0.55 * unclipped
    assert ringing < 0.92 * unsplit


def test_a_lamp_with_a_glow_gets_no_white_rim() -> None:
    down, right = torch.meshgrid(torch.arange(48.0), torch.arange(60.0), indexing="ij")
    light = 0.1 + 1.6 * torch.exp(-((down - 22) ** 2 + (right - 27) ** 2) / 162).double()[None, None]
    psf = disk(5).double()
    blurred = Blur(psf, (48, 60))(light).clamp(0, 1)

    restored = saturated_rl(blurred, psf, weight=full(blurred), settings=SaturatedRlSettings())

    for dim in (-2, -1):
        assert restored.diff(dim=dim).abs().max() < 1.4 * light.diff(dim=dim).abs().max()
    assert (restored.clamp(0, 1) - light.clamp(0, 1)).abs().max() < 0.04


def test_what_lies_between_lights_is_restored_too() -> None:
    light = torch.full((1, 1, 30, 44), 0.1, dtype=torch.float64)
    light[..., 6:24, 8:36] = 0.97  # starts below bright, on the way up
    light[..., 6:24, 12:14] = light[..., 6:24, 22:24] = light[..., 6:24, 30:32] = 1.5
    psf = disk(5).double()
    blurred = Blur(psf, (30, 44))(light).clamp(0, 1)

    restored = saturated_rl(blurred, psf, weight=full(blurred), settings=SaturatedRlSettings())

    between = torch.zeros_like(light, dtype=torch.bool)
    between[..., 9:21, 15:21] = between[..., 9:21, 25:29] = True
    assert (restored.clamp(0, 1) - light)[between].abs().max() < 0.06


def by_definition(error: np.ndarray, bright: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Pixel by pixel on a circular domain: what each estimate hears."""
    height, width = error.shape
    psf = [((y - 1, x - 1), float(COMMA[y, x])) for y in range(3) for x in range(3) if COMMA[y, x] > 0]
    reached = np.zeros_like(bright)
    for i, j in zip(*np.nonzero(bright), strict=True):
        for (down, right), _ in psf:
            reached[(i + down) % height, (j + right) % width] = True
    heard = np.zeros_like(error)
    for i, j in np.ndindex(height, width):
        prints = [(((i + down) % height, (j + right) % width), value) for (down, right), value in psf]
        free = sum(value * trust[at] for at, value in prints if not reached[at])
        share = 0 if bright[i, j] else free / sum(value * trust[at] for at, value in prints)
        heard[i, j] = sum(value * error[at] * (1 - share if reached[at] else 1) for at, value in prints)
    return heard


def test_dark_estimates_hear_what_bright_ones_reach_in_as_far_as_they_have_nothing_else() -> None:
    draw = torch.Generator().manual_seed(6)
    error = torch.randn(1, 2, 12, 17, dtype=torch.float64, generator=draw)
    trust = 0.2 + 0.8 * torch.rand(1, 1, 12, 17, dtype=torch.float64, generator=draw)
    bright = torch.zeros(1, 2, 12, 17, dtype=torch.bool)
    bright[:, 0, 5, 8:10] = True
    bright[:, 1, 0, 0] = True  # reaches over the circular border
    bright[:, 1, 4:9, 4:9] = True
    bright[:, 1, 6, 6] = False  # surrounded
    blur, spread = Blur(COMMA, (12, 17)), Blur((COMMA > 0).double(), (12, 17))

    correction = split_correction(error, bright, trust=trust, reach=blur.adjoint(trust), blur=blur, spread=spread)

    expected = [by_definition(error[0, c].numpy(), bright[0, c].numpy(), trust[0, 0].numpy()) for c in (0, 1)]
    torch.testing.assert_close(correction, torch.from_numpy(np.stack(expected))[None], atol=1e-12, rtol=0)
    everything = blur.adjoint(error)
    torch.testing.assert_close(correction[bright], everything[bright], atol=1e-12, rtol=0)
    torch.testing.assert_close(correction[0, 1, 6, 6], everything[0, 1, 6, 6], atol=1e-12, rtol=0)
    assert (correction - everything)[~bright].abs().max() > 0.1


def test_planes_do_not_touch_each_other() -> None:
    blurred = recorded(scene(36, 50))
    settings = SaturatedRlSettings(iterations=10)

    together = saturated_rl(blurred, COMMA, weight=full(blurred), settings=settings)
    alone = saturated_rl(blurred[:, :1], COMMA, weight=full(blurred), settings=settings)

    torch.testing.assert_close(together[:, :1], alone, atol=1e-12, rtol=0)


def test_ignored_pixels_have_no_say() -> None:
    blurred = recorded(scene(36, 50))
    weight = full(blurred)
    weight[..., 6:8, 8:10] = 0
    settings = SaturatedRlSettings(iterations=10)

    black = saturated_rl(torch.where(weight > 0, blurred, 0.0), COMMA, weight=weight, settings=settings)
    white = saturated_rl(torch.where(weight > 0, blurred, 1.0), COMMA, weight=weight, settings=settings)

    torch.testing.assert_close(black, white, atol=1e-12, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_flat_pictures_stay_flat_and_finite(dtype: torch.dtype, level: float, trust: float) -> None:
    flat = torch.full((2, 1, 10, 12), level, dtype=dtype)

    restored = saturated_rl(flat, COMMA.to(dtype), weight=trust * full(flat), settings=SaturatedRlSettings())

    assert restored.dtype == dtype
    assert torch.isfinite(restored).all()
    assert float(restored.std()) < 1e-3
    if trust:
        assert float(restored.clamp(0, 1).mean()) == pytest.approx(level, abs=1e-3)


def test_reports_each_iteration() -> None:
    shares: list[float] = []
    blurred = recorded(scene(36, 50))
    settings = SaturatedRlSettings(iterations=4)

    saturated_rl(blurred, COMMA, weight=full(blurred), settings=settings, report=shares.append)

    assert shares == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("name", "value"), [("iterations", 0), ("hardness", 0.0), ("bright", -1.0), ("floor", 0.0), ("floor", float("nan"))]
)
def test_settings_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        SaturatedRlSettings(**{name: value})  # type: ignore[arg-type]
