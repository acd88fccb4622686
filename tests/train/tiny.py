"""A recipe and pictures so small that a whole training run takes about a second."""

import torch
from torch import Tensor

from tests.conftest import make_chart
from unblur.train.config import Recipe, recipe_from

TINY = """
name = "tiny"
psf = "disk:1.5"
start = "separable"
seed = 7

[sizes]
width = 4
support = 11
outlier_width = 6
first = 4
last = 4

[[stages]]
part = "deconvolution"
steps = 12
batch = 4
patch = 24
warmup = 3

[[stages]]
part = "denoise"
steps = 8
batch = 4
patch = 24
warmup = 3

[[stages]]
part = "joint"
steps = 10
batch = 4
patch = 24
warmup = 3
"""


def tiny_recipe() -> Recipe:
    import tomllib

    return recipe_from(tomllib.loads(TINY))


def pictures() -> list[Tensor]:
    bright = make_chart(70, 90)
    return [bright, (bright.flip(-1) * 1.2).clamp(0, 1), make_chart(64, 48), torch.full((1, 1, 20, 20), 0.5)]
