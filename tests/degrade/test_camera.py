"""The camera as a whole: order, frame, light and repeatability."""

import math

import pytest
import torch
from scipy.signal import convolve2d
from torch import Tensor

from unblur.colour import decode_srgb, encode_srgb
from unblur.degrade.camera import Camera, _check_choice
from unblur.degrade.jpeg import libjpeg
from unblur.errors import ConfigError, PsfError

COMMA = torch.tensor([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]]) / 8  # no symmetry: a flip cannot hide


def seeded(seed: int = 9) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_picture(batch: int = 1, channels: int = 3) -> Tensor:
    return torch.rand(batch, channels, 25, 36, generator=seeded(1), dtype=torch.float64)


def test_a_point_of_light_prints_the_psf_about_its_place_in_the_target() -> None:
    point = torch.zeros(1, 1, 11, 14)
    point[..., 6, 5] = 1

    blurred, target = Camera().photograph(point, COMMA)

    assert target.nonzero().tolist() == [[0, 0, 5, 4]]
    torch.testing.assert_close(blurred[0, 0, 4:7, 3:6], COMMA, atol=1e-6, rtol=0)
    assert blurred.sum().item() == pytest.approx(1, abs=1e-5)


def test_the_photograph_is_smaller_by_the_psf() -> None:
    psf = torch.ones(5, 9) / 45

    blurred, target = Camera(jpeg=80).photograph(random_picture(2), psf)

    assert blurred.shape == target.shape == (2, 3, 21, 28)


def test_a_plain_camera_convolves_and_clips_after_the_gain() -> None:
    sharp = random_picture(channels=1)

    blurred, target = Camera(gain=1.8).photograph(sharp, COMMA)

    expected = torch.from_numpy(convolve2d(1.8 * sharp[0, 0], COMMA.double(), mode="valid")).clamp(0, 1)
    torch.testing.assert_close(blurred[0, 0], expected, atol=1e-7, rtol=0)
    torch.testing.assert_close(target, (1.8 * sharp[..., 1:-1, 1:-1]).clamp(max=1))


def test_lights_outshine_their_blur_and_leave_the_target_alone() -> None:
    point = torch.zeros(1, 1, 9, 12, dtype=torch.float64)
    point[..., 4, 5] = 1

    blurred, target = Camera(lights=4).photograph(point, COMMA)

    torch.testing.assert_close(blurred[0, 0, 2:5, 3:6], (4 * COMMA.double()).clamp(max=1), atol=1e-7, rtol=0)
    torch.testing.assert_close(target, point[..., 1:-1, 1:-1])


def test_blur_and_gain_act_in_linear_light_where_the_camera_is_linear() -> None:
    sharp = random_picture(channels=1)

    linear, target = Camera(gain=1.5, transfer="linear").photograph(sharp, COMMA)
    encoded, _ = Camera(gain=1.5, transfer="encoded").photograph(sharp, COMMA)

    light = 1.5 * decode_srgb(sharp)
    expected = torch.from_numpy(convolve2d(light[0, 0], COMMA.double(), mode="valid")).clamp(0, 1)
    torch.testing.assert_close(linear[0, 0], encode_srgb(expected[None, None])[0, 0], atol=1e-6, rtol=0)
    torch.testing.assert_close(target, encode_srgb(light.clamp(0, 1))[..., 1:-1, 1:-1])
    assert (linear - encoded).abs().max() > 0.05


def test_linear_pictures_are_not_decoded() -> None:
    sharp = random_picture()

    linear, _ = Camera(transfer="linear", encoding="linear").photograph(sharp, COMMA)

    torch.testing.assert_close(linear, Camera(transfer="encoded").photograph(sharp, COMMA)[0])


def test_noise_is_added_in_the_light_of_the_blur_before_clipping() -> None:
    grey = encode_srgb(torch.full((1, 1, 120, 150), 0.5, dtype=torch.float64))
    camera = Camera(noise=0.05, peak=1000, transfer="linear")

    blurred, _ = camera.photograph(grey, COMMA, seeded())

    assert decode_srgb(blurred).std().item() == pytest.approx(math.sqrt(0.05**2 + 0.5 / 1000), rel=0.03)
    noisy_white, _ = camera.photograph(torch.ones_like(grey), COMMA, seeded())
    assert noisy_white.max() <= 1
    assert noisy_white.min() < 0.97


def test_jpeg_comes_last_on_stored_values() -> None:
    sharp = random_picture().float()
    uncompressed, _ = Camera(noise=0.02, transfer="linear").photograph(sharp, COMMA, seeded())

    compressed, _ = Camera(noise=0.02, transfer="linear", jpeg=60, real_jpeg=True).photograph(sharp, COMMA, seeded())

    assert torch.equal(compressed, libjpeg(uncompressed, 60))


def test_eight_bits_are_multiples_of_a_255th() -> None:
    levels = Camera(eight_bit=True).photograph(random_picture(), COMMA)[0] * 255

    torch.testing.assert_close(levels, levels.round(), atol=1e-9, rtol=0)


def test_one_seed_gives_one_photograph() -> None:
    camera = Camera(noise=0.03, peak=500.0, jpeg=70)

    first, second, other = (camera.photograph(random_picture(), COMMA, seeded(s))[0] for s in (3, 3, 4))

    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_a_batch_of_two_with_settings_for_each_is_two_batches_of_one() -> None:
    images = random_picture(2)
    psfs = torch.stack([COMMA, COMMA.T])
    settings = torch.tensor([[1.0, 1.0, 50.0], [1.7, 6.0, 95.0]], dtype=torch.float64)
    gain, lights, quality = settings.T
    camera = Camera(transfer="linear", gain=gain, lights=lights, jpeg=quality)

    together = camera.photograph(images, psfs)

    for i, (gain_, lights_, quality_) in enumerate(settings.tolist()):
        alone = Camera(transfer="linear", gain=gain_, lights=lights_, jpeg=quality_)
        for batched, single in zip(together, alone.photograph(images[i : i + 1], psfs[i]), strict=True):
            torch.testing.assert_close(batched[i : i + 1], single, atol=1e-9, rtol=0)


def test_infinity_in_a_tensor_of_qualities_is_no_compression() -> None:
    images = random_picture(2)

    blurred, _ = Camera(jpeg=torch.tensor([40.0, math.inf])).photograph(images, COMMA)

    plain, _ = Camera().photograph(images, COMMA)
    assert torch.equal(blurred[1], plain[1])
    assert (blurred[0] - plain[0]).abs().max() > 0.01


def test_the_scene_holds_the_light_beyond_white() -> None:
    sharp = torch.tensor([0.25, 0.6, 1.0])[None, None, None]

    scene = Camera(gain=2, lights=5, encoding="linear", transfer="linear").scene(sharp)

    torch.testing.assert_close(scene, torch.tensor([0.5, 6.0, 10.0])[None, None, None])


def test_photographing_leaves_the_sharp_picture_alone() -> None:
    sharp = random_picture()
    before = sharp.clone()

    Camera(gain=2, lights=5, noise=0.1, peak=100, jpeg=50).photograph(sharp, COMMA, seeded())

    assert torch.equal(sharp, before)


def test_noise_without_a_generator_is_refused() -> None:
    with pytest.raises(ConfigError, match="pass a seeded"):
        Camera(noise=0.01).photograph(random_picture(), COMMA)


def test_a_psf_larger_than_the_picture_is_refused() -> None:
    with pytest.raises(PsfError, match="expected at most the picture's 25 x 36"):
        Camera().photograph(random_picture(), torch.ones(27, 3) / 81)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"gain": 0.0}, "gain: got 0, expected a number above 0"),
        ({"gain": math.inf}, "gain: got inf"),
        ({"lights": 0.5}, "lights: got 0.5, expected a number 1 or more"),
        ({"noise": -0.1}, "noise: got -0.1"),
        ({"noise": torch.tensor([0.1, math.nan])}, "noise: got nan"),
        ({"peak": 0}, "peak: got 0"),
        ({"jpeg": 101}, "jpeg: got 101, expected a number 1 or more and at most 100"),
        ({"jpeg": math.inf}, "jpeg: got inf"),
        ({"jpeg": torch.tensor([75.0]), "real_jpeg": True}, "real_jpeg takes one quality"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Camera(**settings)  # type: ignore[arg-type]


def test_an_unknown_choice_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="transfer: got 'gamma', expected one of linear, encoded"):
        _check_choice("transfer", "gamma", ("linear", "encoded"))
