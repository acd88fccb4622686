"""The model for deepinv, with a stand-in for its physics; ``against_deepinv.py`` meets the real ones."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.conftest import make_chart
from unblur.errors import ConfigError, PsfError
from unblur.fourier import Blur
from unblur.interop.deepinv import Reconstructor
from unblur.interop.module import Deblur
from unblur.metrics import psnr
from unblur.tensors import Psf


@dataclass
class Noise:
    """As deepinv's Gaussian noise."""

    sigma: Tensor


@dataclass
class Physics:
    """What the model reads of deepinv's blurs."""

    filter: Tensor
    padding: str = "circular"
    noise_model: Any = None


def test_a_circular_blur_is_undone_at_its_seam_too(comma: Psf, chart: Tensor) -> None:
    blurred = Blur(comma, (48, 64))(chart)
    model = Reconstructor("wiener", settings={"noise_to_signal": 1e-4})

    restored = model(blurred, Physics(comma[None, None]), unused=1)

    assert restored.shape == chart.shape
    assert float((restored - chart)[..., 2:-2, 2:-2].abs().max()) < 0.05
    rim = torch.ones(48, 64, dtype=torch.bool)
    rim[4:-4, 4:-4] = False
    alone = Deblur("wiener", settings={"noise_to_signal": 1e-4})(blurred, comma)
    assert (restored - chart)[..., rim].square().mean() < (alone - chart)[..., rim].square().mean() / 2


@pytest.mark.parametrize("sides", [(3, 5), (2, 4)])
def test_what_a_valid_blur_left_out_is_estimated_in_its_place(sides: tuple[int, int]) -> None:
    psf = torch.rand(sides, generator=torch.Generator().manual_seed(0)) ** 4
    psf, chart = psf / psf.sum(), make_chart(48, 64)
    odd = torch.nn.functional.pad(psf, (0, 1 - sides[1] % 2, 0, 1 - sides[0] % 2))
    up, left = (sides[0] - 1) // 2, (sides[1] - 1) // 2
    valid = Blur(odd, (48, 64))(chart)[..., up : 48 - sides[0] // 2, left : 64 - sides[1] // 2]

    restored = Reconstructor("wiener")(valid, Physics(psf[None, None], padding="valid"))

    assert restored.shape == chart.shape
    inside = (..., slice(up, 48 - sides[0] // 2), slice(left, 64 - sides[1] // 2))
    assert psnr(restored[inside], chart[inside]) > psnr(valid, chart[inside]) + 3


@pytest.mark.parametrize("channels", [2, 3])
def test_filters_of_single_channels_and_pictures_are_kept_apart(channels: int, comma: Psf, chart: Tensor) -> None:
    sharp = torch.cat([chart, chart.flip(-1), chart.flip(-2)], dim=1)[:, :channels].repeat(2, 1, 1, 1)
    turns = [comma, comma.flip(0), comma.flip(1), comma.flip(0, 1), comma.T, comma.T.flip(0)][: 2 * channels]
    filters = torch.stack(turns).reshape(2, channels, 3, 3)
    blurred = torch.stack(
        [
            torch.cat([Blur(filters[b, c], (48, 64))(sharp[b : b + 1, c : c + 1])[0] for c in range(channels)])
            for b in range(2)
        ]
    )
    sigma = torch.tensor([0.001, 0.001])

    restored = Reconstructor("wiener")(blurred, Physics(filters, noise_model=Noise(sigma)))

    assert restored.shape == sharp.shape
    for b in range(2):
        for c in range(channels):
            one = Reconstructor("wiener")(blurred[b : b + 1, c : c + 1], Physics(filters[b : b + 1, c : c + 1]))
            torch.testing.assert_close(restored[b, c], one[0, 0], atol=1e-5, rtol=0)


def test_a_filter_that_changes_the_exposure_is_undone(comma: Psf, chart: Tensor) -> None:
    model = Reconstructor("wiener")

    restored = model(0.5 * Blur(comma, (48, 64))(chart), Physics(0.5 * comma[None, None]))

    torch.testing.assert_close(restored, model(Blur(comma, (48, 64))(chart), Physics(comma[None, None])))


def test_the_network_is_told_the_noise_and_gradients_pass(comma: Psf, chart: Tensor) -> None:
    model = Reconstructor()
    blurred = Blur(comma, (48, 64))(chart).requires_grad_()

    calm, trusting = (
        model(blurred, Physics(comma[None, None], noise_model=Noise(torch.tensor(s)))) for s in (0.1, 1e-3)
    )

    assert calm.diff(dim=-1).square().mean() < trusting.diff(dim=-1).square().mean()
    calm.sum().backward()
    assert blurred.grad is not None
    assert bool(blurred.grad.isfinite().all())


def test_what_is_no_blur_is_refused(comma: Psf, chart: Tensor) -> None:
    model = Reconstructor("wiener")

    with pytest.raises(ConfigError, match="the physics is a object, expected a blur"):
        model(chart, object())
    downsampling = Physics(comma[None, None])
    downsampling.factor = 2  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="the physics is a Physics, expected a blur"):
        model(chart, downsampling)
    with pytest.raises(PsfError, match="sum is not positive"):
        model(chart, Physics(-comma[None, None]))
