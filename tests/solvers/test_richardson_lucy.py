import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import restoration
from torch import Tensor

from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.solvers.richardson_lucy import RichardsonLucySettings, richardson_lucy, richardson_lucy_reach

COMMA = torch.tensor([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]], dtype=torch.float64) / 8


def random_image(*shape: int) -> Tensor:
    return 0.1 + 0.8 * torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(4))


def full(image: Tensor) -> Tensor:
    return torch.ones_like(image)


def test_agrees_with_the_textbook_iteration_in_scipy() -> None:
    blurred = random_image(1, 1, 9, 14)
    expected = np.full((9, 14), float(blurred.mean()))
    for _ in range(7):
        predicted = ndimage.convolve(expected, COMMA.numpy(), mode="wrap")
        expected = expected * ndimage.correlate(blurred[0, 0].numpy() / predicted, COMMA.numpy(), mode="wrap")

    restored = richardson_lucy(blurred, COMMA, weight=full(blurred), settings=RichardsonLucySettings(iterations=7))

    np.testing.assert_allclose(restored[0, 0].numpy(), expected, atol=1e-10)


def test_agrees_with_scikit_image_away_from_the_border() -> None:
    sharp = random_image(1, 1, 40, 54)
    blurred = Blur(COMMA, (40, 54))(sharp)

    restored = richardson_lucy(blurred, COMMA, weight=full(blurred), settings=RichardsonLucySettings(iterations=4))
    expected = restoration.richardson_lucy(  # type: ignore[no-untyped-call]
        blurred[0, 0].numpy(), COMMA.numpy(), num_iter=4, clip=False
    )

    # Four iterations reach two pixels each; the reference starts from 0.5, which one update makes irrelevant.
    np.testing.assert_allclose(restored[0, 0, 9:-9, 9:-9].numpy(), expected[9:-9, 9:-9], atol=1e-9)


def test_the_likelihood_of_the_trusted_pixels_rises_in_every_iteration() -> None:
    blurred = random_image(1, 2, 9, 14)
    weight = full(blurred)
    weight[..., 2:4, 5:7] = 0
    blur = Blur(COMMA, (9, 14))

    values = []
    for iterations in range(1, 20):
        settings = RichardsonLucySettings(iterations=iterations)
        predicted = blur(richardson_lucy(blurred, COMMA, weight=weight, settings=settings))
        values.append(float((weight * (blurred * predicted.log() - predicted)).sum()))

    assert values == sorted(values)


def test_the_light_of_a_picture_is_kept() -> None:
    blurred = random_image(1, 2, 9, 14)

    restored = richardson_lucy(blurred, COMMA, weight=full(blurred), settings=RichardsonLucySettings())

    torch.testing.assert_close(restored.sum(dim=(-2, -1)), blurred.sum(dim=(-2, -1)), atol=1e-9, rtol=0)


def test_ignored_pixels_have_no_say() -> None:
    blurred = random_image(1, 2, 9, 14)
    weight = full(blurred)
    weight[..., 2:4, 5:7] = 0

    black = richardson_lucy(
        torch.where(weight > 0, blurred, 0.0), COMMA, weight=weight, settings=RichardsonLucySettings()
    )
    white = richardson_lucy(
        torch.where(weight > 0, blurred, 1.0), COMMA, weight=weight, settings=RichardsonLucySettings()
    )

    torch.testing.assert_close(black, white, atol=1e-12, rtol=0)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_flat_pictures_stay_flat(level: float) -> None:
    flat = torch.full((2, 1, 10, 12), level)

    restored = richardson_lucy(flat, COMMA.float(), weight=full(flat), settings=RichardsonLucySettings())

    torch.testing.assert_close(restored, flat, atol=1e-4, rtol=0)


def test_reports_each_iteration() -> None:
    shares: list[float] = []
    blurred = random_image(1, 1, 9, 14)

    richardson_lucy(
        blurred, COMMA, weight=full(blurred), settings=RichardsonLucySettings(iterations=4), report=shares.append
    )

    assert shares == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(("name", "value"), [("iterations", 0), ("floor", 0.0)])
def test_settings_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        RichardsonLucySettings(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("iterations", [5, 50, 150])
def test_what_lies_beyond_the_reach_does_not_show(iterations: int) -> None:
    psf = torch.zeros(7, 7, dtype=torch.float64)
    psf[3] = 1 / 7
    reach = richardson_lucy_reach(iterations, psf)
    one = random_image(1, 1, 12, 2 * reach + 60)
    other = one.clone()
    other[..., -30:] = random_image(1, 1, 12, 30).flip(-1)
    settings = RichardsonLucySettings(iterations=iterations)

    difference = (
        richardson_lucy(one, psf, weight=full(one), settings=settings)
        - richardson_lucy(other, psf, weight=full(one), settings=settings)
    ).abs()

    assert float(difference[..., reach : reach + 30].max()) < 0.5 / 255 < float(difference[..., -30:].max())
