"""JPEG as arithmetic against libjpeg itself."""

import math

import pytest
import torch

from unblur.degrade.jpeg import Subsampling, eight_bit, jpeg, libjpeg
from unblur.errors import ConfigError, ImageError


def scene(height: int, width: int, channels: int, seed: int = 0) -> torch.Tensor:
    """Smooth shading, texture on the right, and flat patches with sharp edges: not symmetric in any way."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.linspace(0, 1, height)[:, None]
    x = torch.linspace(0, 1, width)
    shading = torch.stack([0.5 + 0.4 * torch.sin(6 * x + 3 * y + colour) for colour in range(channels)])
    texture = 0.1 * torch.randn(channels, height, width, generator=generator) * (x > 0.6)
    image = shading + texture
    image[:, height // 3 : height // 2, width // 5 : width // 2] = torch.rand(channels, 1, 1, generator=generator)
    return image[None].clamp(0, 1)


@pytest.mark.parametrize("quality", [10, 40, 49, 60, 75, 90, 95, 100])
@pytest.mark.parametrize(("channels", "subsampling"), [(1, "420"), (3, "420"), (3, "444")])
@pytest.mark.parametrize("size", [(64, 96), (61, 83), (30, 17)])
def test_agrees_with_libjpeg_to_the_bit(
    quality: int, channels: int, subsampling: Subsampling, size: tuple[int, int]
) -> None:
    image = scene(*size, channels, seed=quality).double()

    assert torch.equal(jpeg(image, quality, subsampling=subsampling), libjpeg(image, quality, subsampling))


@pytest.mark.parametrize("quality", [37, 46, 92])
def test_single_precision_differs_in_few_values(quality: int) -> None:
    image = scene(61, 83, 3, seed=quality)

    difference = (jpeg(image, quality) - libjpeg(image, quality)).abs() * 255

    assert difference.mean().item() < 0.01
    assert (difference > 0.5).float().mean().item() < 0.001


@pytest.mark.parametrize("size", [(1, 1), (3, 4), (5, 6), (9, 2)])
def test_tiny_pictures_agree_with_libjpeg(size: tuple[int, int]) -> None:
    image = scene(*size, 3).double()

    assert torch.equal(jpeg(image, 30), libjpeg(image, 30))


def test_every_picture_has_its_own_quality() -> None:
    images = torch.cat([scene(37, 50, 3, seed=seed) for seed in (1, 2)])

    together = jpeg(images, torch.tensor([30.0, 90.0]))

    torch.testing.assert_close(together, torch.cat([jpeg(images[:1], 30), jpeg(images[1:], 90)]), atol=1e-6, rtol=0)


def test_colour_resolution_is_halved_only_where_asked() -> None:
    stripes = torch.zeros(1, 3, 32, 48)
    stripes[:, 0, :, ::2] = 1  # red and black columns: colour at the finest scale

    sharpest = [(jpeg(stripes, 100, subsampling=kind) - stripes).abs().mean().item() for kind in ("444", "420")]

    assert sharpest[0] < 0.01
    assert sharpest[1] > 0.1


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_keeps_number_type_and_shape(dtype: torch.dtype) -> None:
    image = scene(19, 26, 3).to(dtype)

    coded = jpeg(image, 80)

    assert coded.dtype == dtype
    torch.testing.assert_close(coded.float(), jpeg(image.float(), 80), atol=1e-3, rtol=0)


def test_real_jpeg_keeps_batch_and_colour_order() -> None:
    images = torch.cat([scene(16, 24, 3), 1 - scene(16, 24, 3)])

    torch.testing.assert_close(libjpeg(images, 98, "444"), images, atol=0.1, rtol=0)


def test_eight_bits_hold_multiples_of_a_255th() -> None:
    image = torch.tensor([-0.2, 0.0, 1.4 / 255, 1.6 / 255, 0.99999, 3.0])[None, None, None]

    expected = torch.tensor([0.0, 0.0, 1 / 255, 2 / 255, 1.0, 1.0])[None, None, None]
    torch.testing.assert_close(eight_bit(image), expected, atol=1e-7, rtol=0)
    assert math.isclose(float(eight_bit(image).max()), 1.0)


def test_two_channels_are_refused() -> None:
    with pytest.raises(ImageError, match=r"got 2 channels, expected grey \(1\) or RGB \(3\)"):
        jpeg(torch.zeros(1, 2, 8, 8), 75)


def test_qualities_for_another_number_of_pictures_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"\(3,\) for a batch of 2"):
        jpeg(torch.zeros(2, 1, 8, 8), torch.full((3,), 75.0))
