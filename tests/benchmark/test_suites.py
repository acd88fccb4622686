"""What the cases of a suite are made of."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from unblur.benchmark.suites import (
    LIGHTS_CAMERA,
    MOTION_PSF,
    PAPER_CAMERA,
    camera_of,
    dark_with_lights,
    folder_suite,
    lights_suite,
    named_suite,
    paper_suite,
    photos_in,
)
from unblur.degrade.camera import Camera
from unblur.errors import ConfigError
from unblur.io.psf import read_psf


def photograph(path: Path, height: int = 40, width: int = 52, *, seed: int = 0, brightest: int = 230) -> Path:
    """A colour photograph of smooth random patches, not square."""
    coarse = np.random.default_rng(seed).integers(20, brightest, (5, 7, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(coarse).resize((width, height), PillowImage.Resampling.BICUBIC).save(path)
    return path


def test_the_paper_suite_has_the_four_columns_of_table_1(tmp_path: Path) -> None:
    photos = [tmp_path / "b.png", tmp_path / "c.png"]

    cases = paper_suite(photos)

    assert list(dict.fromkeys(c.column for c in cases)) == ["disk", "disk-sat", "motion", "motion-sat"]
    assert [c.number for c in cases] == list(range(8))
    assert len({c.name for c in cases}) == 8
    assert {c.psf for c in cases if c.column.startswith("disk")} == {"disk:7"}
    assert all(c.saturated == c.column.endswith("-sat") and c.grey and c.side == 384 for c in cases)
    assert (PAPER_CAMERA.noise, PAPER_CAMERA.jpeg, PAPER_CAMERA.real_jpeg) == (0.01, 75, True)
    assert (PAPER_CAMERA.transfer, PAPER_CAMERA.gain) == ("encoded", 1)


def test_the_camera_shake_is_lopsided_and_spread_over_its_frame() -> None:
    psf = read_psf(MOTION_PSF)

    assert psf.shape == (27, 27)
    lit = psf > 0.02 * psf.max()
    assert min(int(lit.any(0).sum()), int(lit.any(1).sum())) >= 12
    assert max(int(lit.any(0).sum()), int(lit.any(1).sum())) >= 20
    for twin in (psf.flip(0), psf.flip(1), psf.flip(0, 1), psf.T):
        assert float((psf - twin).abs().sum()) > 0.5


def add_lamp(path: Path) -> None:
    """Put a few white pixels into a photograph."""
    with PillowImage.open(path) as picture:
        pixels = np.array(picture)
    pixels[4:9, 5:9] = 255
    PillowImage.fromarray(pixels).save(path)


def lamp(height: int, width: int, *, level: int, lights: int) -> torch.Tensor:
    """A flat picture in which the first ``lights`` pixels have one channel at white."""
    image = torch.full((1, 3, height, width), level / 255)
    image.view(1, 3, -1)[:, 2, :lights] = 250 / 255
    return image


def test_dark_pictures_with_lights_are_told_from_others() -> None:
    assert dark_with_lights(lamp(40, 50, level=74, lights=4))
    assert not dark_with_lights(lamp(40, 50, level=76, lights=4))
    assert not dark_with_lights(lamp(40, 50, level=74, lights=3))  # 0.15 % exactly is not more


def test_the_lights_suite_takes_only_dark_photographs_with_lights(tmp_path: Path) -> None:
    bright = photograph(tmp_path / "bright.png")
    night = photograph(tmp_path / "night.png", brightest=50)
    add_lamp(night)

    cases = lights_suite([bright, night])

    assert [(c.column, c.photo.name) for c in cases] == [("disk", "night.png"), ("motion", "night.png")]
    assert all(c.camera is LIGHTS_CAMERA for c in cases)
    assert (LIGHTS_CAMERA.lights, LIGHTS_CAMERA.transfer, LIGHTS_CAMERA.gain) == (12, "linear", 1)


def test_a_folder_without_night_pictures_is_refused_for_lights(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="dark with lights"):
        lights_suite([photograph(tmp_path / "bright.png")])


def test_suites_find_their_photographs_in_the_data_folder(tmp_path: Path) -> None:
    photograph(tmp_path / "test" / "kodak24" / "k1.png")
    photograph(tmp_path / "val" / "v1.jpg")

    assert {c.photo.name for c in named_suite("paper", tmp_path)} == {"k1.png"}
    assert {c.photo.name for c in named_suite("paper", tmp_path, split="val")} == {"v1.jpg"}


def test_lights_pass_over_what_is_blurred_already(tmp_path: Path) -> None:
    for name in ("nightshot/1_sharp.png", "nightshot/1_blur.png", "levin/im1.png"):
        path = photograph(tmp_path / "test" / name, brightest=50)
        add_lamp(path)

    assert {c.photo.name for c in named_suite("lights", tmp_path)} == {"1_sharp.png"}


def test_a_limit_keeps_the_same_photographs_in_every_column(tmp_path: Path) -> None:
    for number in range(5):
        photograph(tmp_path / "val" / f"{number}.png")

    cases = named_suite("paper", tmp_path, split="val", limit=2)

    assert [c.photo.stem for c in cases] == ["1", "3"] * 4
    assert cases[0].number == 1, "a limit does not change a case's noise"


def test_own_photographs_have_a_column_for_each_psf(tmp_path: Path) -> None:
    photos = [photograph(tmp_path / f"{name}.png") for name in "ab"]

    cases = folder_suite(photos, ["disk:2", "gauss:1"], Camera(), saturated=True)

    assert list(dict.fromkeys(c.column for c in cases)) == ["disk:2-sat", "gauss:1-sat"]
    assert len(cases) == 4
    assert all(c.side is None and not c.grey for c in cases)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: named_suite("papper", folder), "paper, lights"),
        (lambda _: named_suite("paper", None), "--data"),
        (lambda folder: named_suite("paper", folder), "kodak24: no such folder"),
        (lambda folder: named_suite("lights", folder), "test: no such folder"),
        (lambda folder: named_suite("paper", folder, split="train"), "test .for results"),
        (lambda folder: photos_in(folder), "no photograph"),
        (lambda folder: folder_suite([folder / "a.png"], [], Camera()), "--psf"),
        (lambda folder: folder_suite([folder / "a.png"], ["disk:2"], Camera(), limit=0), "1 or more"),
        (lambda _: camera_of(gain=1.0, noise=0.0, jpeg=None, transfer="gamma"), "linear or encoded"),
    ],
)
def test_what_cannot_be_a_suite_is_refused(call: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        call(tmp_path)  # type: ignore[operator]
