"""What the user knows better: white below full scale, and strength, for every method that has one."""

import numpy as np
import pytest
import torch

from tests.conftest import make_chart
from unblur.colour import SRGB, UNCHANGED, clipping_at
from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.methods import METHODS
from unblur.override import strengthened
from unblur.psf.parametric import disk
from unblur.restoration import restore
from unblur.tensors import Psf, Transfer

STRONG = {
    "wiener": ("noise_to_signal", 0.01 / 4),
    "richardson-lucy": ("iterations", 100),
    "sparse": ("smoothness", 0.0002),
    "hyper-laplacian": ("fidelity", 8000.0),
    "outlier-em": ("smoothness", 0.0002),
    "saturated-rl": ("iterations", 100),
    "separable": ("noise_to_signal", 0.01 / 4),
    "universal": ("strength", 2.0),
}


@pytest.mark.parametrize("name", STRONG)
def test_twice_the_strength_is_for_half_the_noise(name: str) -> None:
    method, (setting, value) = METHODS[name], STRONG[name]

    changed = strengthened(method, method.settings(), 2.0)

    assert getattr(changed, setting) == pytest.approx(value)
    assert strengthened(method, method.settings(), 1.0) == method.settings()
    assert strengthened(method, changed, 0.5) == method.settings()


def test_richardson_lucy_runs_at_least_once() -> None:
    assert strengthened(METHODS["richardson-lucy"], METHODS["richardson-lucy"].settings(), 1e-6).iterations == 1


def test_more_strength_is_sharper_and_a_chosen_setting_is_multiplied(comma: Psf) -> None:
    image = make_chart(48, 64)[0, 0].numpy()

    soft, usual, sharp = (restore(image, disk(2), method="wiener", strength=s) for s in (0.3, 1.0, 3.0))

    rough = [float(np.diff(result, axis=1).std()) for result in (soft, usual, sharp)]
    assert rough == sorted(rough)
    assert rough[2] > 1.1 * rough[0]
    np.testing.assert_array_equal(usual, restore(image, disk(2), method="wiener"))
    doubled = restore(image, comma, method="wiener", settings={"noise_to_signal": 0.04}, strength=2.0)
    np.testing.assert_allclose(doubled, restore(image, comma, method="wiener"), atol=1e-6)


def test_the_network_goes_further_or_less_far(comma: Psf) -> None:
    noise = 0.01 * torch.randn(64, 80, generator=torch.Generator().manual_seed(1))
    image = (make_chart(64, 80)[0, 0] + noise).numpy()

    soft, usual, sharp = (restore(image, comma, strength=s) for s in (0.4, 1.0, 2.5))

    rough = [float(np.diff(result, axis=1).std()) for result in (soft, usual, sharp)]
    assert rough == sorted(rough)
    np.testing.assert_array_equal(usual, restore(image, comma))


@pytest.mark.parametrize("strength", [0.0, -1.0, float("nan"), float("inf")])
def test_no_number_that_is_no_strength_is_taken(strength: float) -> None:
    with pytest.raises(ConfigError, match="expected a number above 0"):
        strengthened(METHODS["wiener"], METHODS["wiener"].settings(), strength)


def test_a_method_without_strength_says_so() -> None:
    with pytest.raises(ConfigError, match="dcnn has no strength"):
        strengthened(METHODS["dcnn"], METHODS["dcnn"].settings(), 2.0)


@pytest.mark.parametrize("curve", [SRGB, UNCHANGED])
def test_white_is_the_lights_one_and_the_way_back_never_exceeds_it(curve: object) -> None:
    assert curve in (SRGB, UNCHANGED)
    clipped = clipping_at(0.8, SRGB if curve is SRGB else UNCHANGED)
    stored = torch.tensor([0.0, 0.2, 0.79, 0.8, 0.9, 1.0], dtype=torch.float64).reshape(1, 1, 1, 6)

    light = clipped.decode(stored)

    assert light[0, 0, 0, 3:].tolist() == pytest.approx([1, 1, 1])
    assert float(light[0, 0, 0, 2]) < 1
    torch.testing.assert_close(clipped.encode(light), stored.clamp_max(0.8), atol=1e-9, rtol=0)


@pytest.mark.parametrize("transfer", ["linear", "encoded"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
def test_a_sensor_that_clips_early_is_restored_like_one_that_does_not(transfer: Transfer, dtype: str) -> None:
    top = np.iinfo(dtype).max if dtype.startswith("uint") else 1
    sharp = make_chart(64, 80).double()
    sharp[..., 20:26, 30:38] = 6.0
    full = Blur(disk(3).double(), (64, 80))(sharp)[0, 0].clamp(0, 1).numpy()
    early = full * 0.6
    stored = (np.rint(early * top) if top > 1 else early).astype(dtype)

    said = restore(stored, disk(3), method="saturated-rl", transfer=transfer, encoding="linear", white=0.6)

    like = restore(full, disk(3), method="saturated-rl", transfer=transfer, encoding="linear")
    assert said.dtype == dtype
    assert np.abs(said / top - 0.6 * like).max() < 0.02
    unsaid = restore(stored, disk(3), method="saturated-rl", transfer=transfer, encoding="linear")
    assert np.abs(unsaid / top - 0.6 * like).mean() > 2 * np.abs(said / top - 0.6 * like).mean()


def test_a_white_that_is_none_is_refused(comma: Psf) -> None:
    for white in (0.0, 1.5, float("nan")):
        with pytest.raises(ConfigError, match="above 0 and at most 1"):
            restore(np.full((16, 16), 0.5), comma, method="wiener", white=white)
