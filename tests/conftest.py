"""What many tests share: a lopsided PSF, a chart without symmetry, and few threads."""

import os

import pytest
import torch

from unblur.tensors import Image, Psf

torch.set_num_threads(1)  # the suite runs in several processes
os.environ["UNBLUR_PRECISION"] = "float32"  # the same numbers on every machine; test_precision.py looks at bfloat16


@pytest.fixture
def comma() -> Psf:
    """A PSF without any symmetry: a flip or a transposition cannot hide."""
    return torch.tensor([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]]) / 8


@pytest.fixture
def chart() -> Image:
    """A sharp picture of 48 × 64 with edges, slopes and texture, not square, not symmetric."""
    return make_chart(48, 64)


def make_chart(height: int, width: int) -> Image:
    """Edges, slopes and texture in [0.05, 0.95]; the same for every call."""
    y = torch.linspace(0, 1, height)[:, None]
    x = torch.linspace(0, 1, width)[None, :]
    picture = 0.35 + 0.25 * x - 0.1 * y + 0.1 * torch.sin(40 * x * x + 9 * y) * (y > 0.5)
    picture = torch.where((x - 0.3) ** 2 + (y - 0.35) ** 2 < 0.03, 0.9, picture)
    picture = torch.where((x > 0.6) & (x < 0.8) & (y > 0.2) & (y < 0.45), 0.1, picture)
    picture = torch.where((x + 0.5 * y > 1.1) & (y > 0.6), 0.75 - 0.3 * y, picture)
    return picture.clamp(0.05, 0.95)[None, None]
