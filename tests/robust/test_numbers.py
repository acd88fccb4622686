"""Numbers that hold: the same bytes again, on other threads, from other number types and from a shifted picture."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import make_chart
from unblur.errors import ConfigError, ImageError
from unblur.methods import METHODS
from unblur.psf.parse import parse_psf
from unblur.restoration import restore, restore_file
from unblur.tensors import Psf

CPU = torch.device("cpu")
NAMES = list(METHODS)
TILEABLE = [name for name in NAMES if METHODS[name].tiling.kind != "whole"]
DIFFERENTIABLE = [name for name in NAMES if METHODS[name].differentiable]


def photograph(name: str, height: int, width: int) -> torch.Tensor:
    """The chart ``(1, 1, H, W)``, blurred by the method's example PSF."""
    psf = parse_psf(METHODS[name].example_psf)
    sharp = make_chart(height + psf.shape[0] - 1, width + psf.shape[1] - 1)
    return torch.conv2d(sharp, psf.flip(0, 1)[None, None])


def as_bytes(image: torch.Tensor) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return (image[0, 0] * 255).round().to(torch.uint8).numpy()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute on so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_restored_twice_is_the_same_file(name: str, tmp_path: Path) -> None:
    Image.fromarray(as_bytes(photograph(name, 40, 52))).save(tmp_path / "a.png")

    for output in ("one.png", "two.png"):
        restore_file(tmp_path / "a.png", tmp_path / output, psf=METHODS[name].example_psf, method=name)

    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_one_thread_and_two_differ_by_at_most_a_grey_level(name: str) -> None:
    picture, psf = as_bytes(photograph(name, 72, 88)), METHODS[name].example_psf

    one = restore(picture, psf, method=name)
    with threads(2):
        two = restore(picture, psf, method=name)

    assert np.abs(one.astype(int) - two.astype(int)).max() <= 1


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "universal" else name for name in TILEABLE]
)
def test_tiles_and_the_whole_differ_by_at_most_a_grey_level(name: str) -> None:
    method, psf = METHODS[name], parse_psf(METHODS[name].example_psf)
    margin = method.margin(psf)
    picture = as_bytes(photograph(name, 2 * margin + 90, 2 * margin + 130))  # no tile of 100 sees all of it

    whole = restore(picture, psf, method=name).astype(int)
    parts = restore(picture, psf, method=name, tile=100).astype(int)

    assert np.abs(whole - parts).max() <= 1


@pytest.mark.parametrize("name", [name for name in NAMES if name not in TILEABLE])
def test_a_method_that_needs_the_whole_picture_refuses_tiles(name: str) -> None:
    with pytest.raises(ConfigError, match="tile"):
        restore(as_bytes(photograph(name, 40, 52)), METHODS[name].example_psf, method=name, tile=20)


def test_another_process_with_another_seed_of_hashes_writes_the_same_file(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    Image.fromarray(as_bytes(photograph("wiener", 40, 52))).save(photo)
    restore_file(photo, tmp_path / "here.png", psf="disk:2")
    words = ["restore", str(photo), "--psf", "disk:2", "-q", "-o", str(tmp_path / "there.png")]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "unblur", *words], env=environment, check=True)

    assert (tmp_path / "here.png").read_bytes() == (tmp_path / "there.png").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_8_bits_16_bits_and_floats_of_the_same_light_give_the_same_picture(name: str) -> None:
    picture, psf = as_bytes(photograph(name, 44, 56)), METHODS[name].example_psf

    eight = restore(picture, psf, method=name).astype(float)
    sixteen = restore(picture.astype(np.uint16) * np.uint16(257), psf, method=name) / 257
    single = restore(picture.astype(np.float32) / np.float32(255), psf, method=name) * 255

    assert np.abs(eight - sixteen).max() <= 0.51, "rounding to a grey level, and no more"
    assert np.abs(sixteen - single).max() <= 0.05


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shift", [(8, 16), (5, 3)])
def test_a_shifted_picture_gives_the_shifted_result_inside(name: str, shift: tuple[int, int]) -> None:
    (down, right), method = shift, METHODS[name]
    psf = parse_psf(method.example_psf)
    exact = method.tiling.kind == "exact"
    rim = method.margin(psf) if exact else max(36, 4 * max(psf.shape))  # as far as the border may show
    height, width = 2 * rim + 40, 2 * rim + 48
    scene, deconvolve = photograph(name, height + 16, width + 24), method.build(CPU, method.settings())

    with torch.no_grad():
        here = deconvolve(scene[..., :height, :width], psf)
        there = deconvolve(scene[..., down : down + height, right : right + width], psf)

    moved = here[..., rim + down : height - rim, rim + right : width - rim]
    same = there[..., rim : height - rim - down, rim : width - rim - right]
    cells = method.tiling.grid > 1 and (down % method.tiling.grid or right % method.tiling.grid)
    levels = 2.0 if cells else 1.5  # a U-Net sees cells of 8 pixels, and not the same ones
    assert float((moved - same).square().mean().sqrt()) < levels / 255


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    psf = parse_psf(METHODS[name].example_psf).double()
    deconvolve = METHODS[name].build(CPU, METHODS[name].settings())
    picture = photograph(name, 18, 20).double().requires_grad_()

    def weighed(blurred: torch.Tensor) -> torch.Tensor:
        restored = deconvolve(blurred, psf)
        return (restored * torch.linspace(0.5, 1.5, restored.numel(), dtype=torch.float64).view_as(restored)).sum()

    assert torch.autograd.gradcheck(weighed, picture, eps=1e-6, atol=1e-4, rtol=1e-3, fast_mode=True)


def test_a_solver_knows_gradients_of_every_pixel(comma: Psf) -> None:
    picture = make_chart(5, 6).double().requires_grad_()
    deconvolve = METHODS["wiener"].build(CPU, METHODS["wiener"].settings())

    assert torch.autograd.gradcheck(lambda blurred: deconvolve(blurred, comma.double()), picture, fast_mode=False)


@pytest.mark.parametrize("beyond", [1e7, -1e7, 1e30])
def test_numbers_beyond_any_light_are_refused(beyond: float) -> None:
    picture = np.full((24, 30), 0.5, np.float32)
    picture[3, 4] = beyond

    with pytest.raises(ImageError, match="none beyond"):
        restore(picture, "disk:2", method="wiener")
