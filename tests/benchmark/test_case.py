"""How the pair of a blurred and a sharp picture is made."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from scipy.signal import convolve2d

from tests.benchmark.test_suites import photograph
from unblur.benchmark.case import Case, pair_of, stored_values
from unblur.degrade.camera import Camera
from unblur.errors import ImageError

COMMA = np.array([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]]) / 8


def case(photo: Path, tmp_path: Path, camera: Camera, **more: object) -> Case:
    """A case with a lopsided PSF from a file."""
    np.save(tmp_path / "comma.npy", COMMA)
    values = {"suite": "s", "column": "c", "photo": photo, "psf": str(tmp_path / "comma.npy"), "camera": camera}
    return Case(**{**values, **more})  # type: ignore[arg-type]


def test_the_blurred_picture_is_the_valid_convolution_of_the_middle(tmp_path: Path) -> None:
    photo = photograph(tmp_path / "a.png")

    pair = pair_of(case(photo, tmp_path, Camera(), side=20))

    with PillowImage.open(photo) as picture:
        rgb = np.asarray(picture, np.float64) / 255
    grey = rgb @ [0.299, 0.587, 0.114]
    middle = grey[9:31, 15:37]  # 22 of 40 rows, 22 of 52 columns
    np.testing.assert_allclose(pair.blurred[0, 0].numpy(), convolve2d(middle, COMMA, mode="valid"), atol=1e-6)
    np.testing.assert_allclose(pair.sharp[0, 0].numpy(), middle[1:-1, 1:-1], atol=1e-6)


def test_a_small_photograph_gives_what_there_is(tmp_path: Path) -> None:
    photo = photograph(tmp_path / "a.png")

    pair = pair_of(case(photo, tmp_path, Camera(), side=45))

    assert pair.blurred.shape == pair.sharp.shape == (1, 1, 38, 45)


def test_colour_stays_colour_on_request(tmp_path: Path) -> None:
    photo = photograph(tmp_path / "a.png")

    pair = pair_of(case(photo, tmp_path, Camera(), grey=False, side=None))

    assert pair.blurred.shape == (1, 3, 38, 50)


def test_the_same_case_is_the_same_pair_and_another_number_another_noise(tmp_path: Path) -> None:
    photo = photograph(tmp_path / "a.png")
    one, two = (case(photo, tmp_path, Camera(noise=0.02), number=number) for number in (4, 5))

    assert torch.equal(pair_of(one).blurred, pair_of(one).blurred)
    assert not torch.equal(pair_of(one).blurred, pair_of(two).blurred)


def test_saturation_brings_three_and_a_half_percent_to_white(tmp_path: Path) -> None:
    photo = photograph(tmp_path / "a.png", 120, 140)

    pair = pair_of(case(photo, tmp_path, Camera(), saturated=True, side=None))

    assert 1 < pair.gain < 2
    assert float((pair.sharp >= 1).float().mean()) == pytest.approx(0.035, abs=0.002)


def test_saturation_is_reckoned_in_the_light_of_the_blur(tmp_path: Path) -> None:
    photo = photograph(tmp_path / "a.png", 120, 140)

    pair = pair_of(case(photo, tmp_path, Camera(transfer="linear"), saturated=True, side=None))

    assert float((pair.sharp >= 1 - 1e-6).float().mean()) == pytest.approx(0.035, abs=0.002)


def test_a_dark_photograph_is_exposed_at_most_twice(tmp_path: Path) -> None:
    photo = photograph(tmp_path / "a.png", brightest=60)

    assert pair_of(case(photo, tmp_path, Camera(), saturated=True)).gain == 2


def test_sixteen_bit_values_are_read_at_their_scale(tmp_path: Path) -> None:
    PillowImage.fromarray(np.full((3, 4), 13107, np.uint16)).save(tmp_path / "a.png")

    torch.testing.assert_close(stored_values(tmp_path / "a.png"), torch.full((1, 1, 3, 4), 0.2))


def test_a_photograph_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"not a picture")

    with pytest.raises(ImageError, match=r"a\.png"):
        pair_of(case(tmp_path / "a.png", tmp_path, Camera()))
