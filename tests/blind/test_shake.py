"""Camera shake from the picture alone, and when nothing is to be had."""

import pytest
import torch

from tests.blind.scenes import leaves, taken
from unblur.blind.cleanup import alike
from unblur.blind.doubt import is_sharp, structure
from unblur.blind.shake import Shake, ShakeSettings, estimated_shake
from unblur.errors import Cancelled, ConfigError, ImageError, PsfError
from unblur.psf.parametric import motion
from unblur.psf.random import shake_seeded
from unblur.tensors import Image


def found_in(blurred: Image, side: int) -> Shake:
    clipped = (blurred >= 0.98).to(blurred)
    return estimated_shake(blurred, side, weight=torch.ones_like(blurred), clipped=clipped)


def noise(size: tuple[int, int], strength: float) -> Image:
    return strength * torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("seed", [3, 5])
def test_a_shake_is_found_without_being_told(seed: int) -> None:
    psf = shake_seeded(11, seed)

    found = found_in(taken(psf, 150, 180), 15)

    assert alike(found.psf, psf) > 0.85
    assert alike(found.psf.flip(0, 1), psf) < alike(found.psf, psf)
    assert float(found.psf.sum()) == pytest.approx(1, abs=1e-5)


def test_clipped_lights_do_not_spoil_the_estimate() -> None:
    psf = shake_seeded(11, 3)
    blurred = taken(psf, 150, 180, gain=1.4)

    assert float((blurred >= 0.98).float().mean()) > 0.05
    assert alike(found_in(blurred, 15).psf, psf) > 0.75


def test_noise_of_2_percent_does_not_turn_a_shake_into_speckle() -> None:
    psf = shake_seeded(11, 3)

    assert alike(found_in(taken(psf, 120, 130, noise=0.02), 15).psf, psf) > 0.85


def test_sharp_pictures_are_told_from_blurred_ones_even_if_the_blur_has_one_direction() -> None:
    assert is_sharp(taken(torch.ones(1, 1), 150, 180))
    assert not is_sharp(taken(motion(7, 0), 150, 180))
    assert not is_sharp(taken(shake_seeded(9, 3), 150, 180))
    assert not is_sharp(torch.full((1, 1, 50, 50), 0.5))


def test_progress_rises_to_1_and_can_stop_the_work() -> None:
    blurred, ones = taken(motion(5, 20), 64, 72), torch.ones(1, 1, 64, 72)
    told: list[float] = []

    estimated_shake(
        blurred, 9, weight=ones, clipped=0 * ones, settings=ShakeSettings(least_agreement=0), report=told.append
    )

    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)

    def stop(share: float) -> None:
        raise Cancelled(f"at {share}")

    with pytest.raises(Cancelled):
        estimated_shake(blurred, 9, weight=ones, clipped=0 * ones, report=stop)


@pytest.mark.parametrize(
    "picture",
    [
        torch.full((1, 1, 100, 120), 0.6) + torch.linspace(0, 0.3, 120),
        torch.full((1, 1, 100, 120), 0.6) + torch.linspace(0, 0.3, 120) + noise((100, 120), 0.01),
        (0.5 + noise((100, 120), 0.15)).clamp(0, 1),
        torch.zeros(1, 1, 100, 120),
    ],
    ids=["even sky", "noisy sky", "pure noise", "black"],
)
def test_a_picture_without_structure_is_refused(picture: Image) -> None:
    with pytest.raises(ImageError, match="nothing to tell the blur by"):
        found_in(picture, 11)


def test_structure_is_a_share_that_noise_does_not_raise() -> None:
    ones = torch.ones(1, 1, 120, 120)

    assert structure(leaves(120, 120), weight=ones) > 0.3
    assert structure(0.5 + noise((120, 120), 0.2), weight=ones) < 0.01


def test_too_small_a_picture_and_an_even_size_are_refused() -> None:
    with pytest.raises(ImageError, match="60 x 40 pixels are too few for a PSF of 15, expected 60"):
        found_in(leaves(40, 60), 15)
    with pytest.raises(PsfError, match="expected an odd number of pixels from 3; take 15"):
        found_in(leaves(100, 100), 14)


def test_estimates_that_differ_more_than_allowed_are_refused() -> None:
    blurred = taken(shake_seeded(11, 3), 80, 80)

    with pytest.raises(PsfError, match="two estimates from more and from fewer edges differ"):
        estimated_shake(
            blurred,
            13,
            weight=torch.ones_like(blurred),
            clipped=torch.zeros_like(blurred),
            settings=ShakeSettings(least_agreement=1.01),
        )


@pytest.mark.parametrize("wrong", [{"sparsity": 0}, {"ridge": -1}, {"smoothness": -1}, {"threshold": 1}, {"rounds": 0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        ShakeSettings(**wrong)  # type: ignore[arg-type]
