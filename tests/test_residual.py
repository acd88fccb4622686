"""The verdict on a PSF, on pictures with everything that a photograph has against it."""

import io

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from scipy.signal import fftconvolve
from skimage import data

from unblur.psf.parametric import delta, disk, motion
from unblur.residual import middle, residual
from unblur.tensors import Image, Psf


def photograph(psf: Psf, picture: str = "camera", *, noise: float = 0.01, jpeg: int = 75) -> Image:
    """A part of a public photograph, blurred without a circular border, noisy and compressed."""
    sharp = getattr(data, picture)()
    sharp = sharp[..., 1] if sharp.ndim == 3 else sharp
    blurred = fftconvolve(sharp[60:380, 90:460] / 255, psf.numpy(), mode="valid")
    noisy = blurred + noise * np.random.default_rng(5).standard_normal(blurred.shape)
    file = io.BytesIO()
    PillowImage.fromarray((noisy.clip(0, 1) * 255).round().astype(np.uint8)).save(file, "JPEG", quality=jpeg)
    with PillowImage.open(file) as image:
        return torch.from_numpy(np.asarray(image) / np.float32(255))[None, None]


@pytest.mark.parametrize(
    "psf", [disk(7), disk(4), motion(15, 30), delta()], ids=["disk 7", "disk 4", "motion", "delta"]
)
@pytest.mark.parametrize("picture", ["camera", "astronaut"])
@pytest.mark.parametrize(("noise", "jpeg"), [(0.01, 75), (0.002, 95)])
def test_the_right_psf_is_not_accused(psf: Psf, picture: str, noise: float, jpeg: int) -> None:
    verdict = residual(photograph(psf, picture, noise=noise, jpeg=jpeg), psf)

    assert verdict is not None
    assert verdict.explained


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(motion(15, 30), disk(7)), (disk(4), disk(8)), (delta(), disk(7)), (motion(15, 30), motion(15, 120))],
    ids=["motion, said disk", "disk 4, said 8", "sharp, said disk", "motion across"],
)
@pytest.mark.parametrize("picture", ["camera", "astronaut"])
def test_a_clearly_wrong_psf_is_named_with_numbers(right: Psf, wrong: Psf, picture: str) -> None:
    verdict = residual(photograph(right, picture), wrong)

    assert verdict is not None
    assert not verdict.explained
    assert "does not explain the photograph" in str(verdict)
    assert f"{verdict.ratio:.1f} times" in str(verdict)


def test_clipped_lights_do_not_accuse_the_right_psf() -> None:
    psf = disk(7)
    lit = photograph(psf)
    lit[..., 100:110, 150:170] = 1

    verdict = residual(lit, psf)

    assert verdict is not None
    assert verdict.explained


def test_a_picture_too_small_for_the_psf_gets_no_verdict() -> None:
    assert residual(torch.rand(1, 1, 40, 300, generator=torch.Generator().manual_seed(1)), disk(2)) is None


def test_only_the_middle_of_a_large_picture_is_looked_at() -> None:
    planes = torch.arange(1100 * 1030).reshape(1, 1, 1100, 1030)

    part = middle(planes)

    assert part.shape == (1, 1, 1024, 1024)
    assert int(part[0, 0, 0, 0]) == 38 * 1030 + 3
