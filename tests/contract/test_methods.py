"""What every method must keep, whichever paper it comes from."""

from typing import Any

import pytest
import torch

from tests.conftest import make_chart
from unblur.errors import ConfigError, PsfError
from unblur.method import Method
from unblur.methods import METHODS
from unblur.metrics import psnr
from unblur.psf.parametric import disk
from unblur.psf.parse import parse_psf
from unblur.tensors import Image, Psf

CPU = torch.device("cpu")
NAMES = list(METHODS)
ANY_PSF = [name for name, method in METHODS.items() if method.trained is None]


def built(name: str) -> Any:
    method = METHODS[name]
    return method.build(CPU, method.settings())


def example(method: Method, height: int, width: int) -> tuple[Image, Image, Psf]:
    """A blurred picture, its sharp original on the same frame, and a PSF that the method takes."""
    psf = parse_psf(method.example_psf)
    kh, kw = psf.shape
    sharp = make_chart(height + kh - 1, width + kw - 1)
    blurred = torch.conv2d(sharp, psf.flip(0, 1)[None, None])
    return blurred, sharp[..., kh // 2 : kh // 2 + height, kw // 2 : kw // 2 + width], psf


@pytest.mark.parametrize("name", NAMES)
def test_keeps_shape_type_and_arguments(name: str) -> None:
    method = METHODS[name]
    blurred, _, psf = example(method, 41, 52)
    colour = blurred.repeat(1, 3, 1, 1)
    before, psf_before = colour.clone(), psf.clone()

    restored = built(name)(colour, psf)

    assert restored.shape == colour.shape
    assert restored.dtype == colour.dtype
    assert torch.isfinite(restored).all()
    assert torch.equal(colour, before)
    assert torch.equal(psf, psf_before)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_input_gives_the_same_output(name: str) -> None:
    blurred, _, psf = example(METHODS[name], 40, 50)

    assert torch.equal(built(name)(blurred, psf), built(name)(blurred, psf))


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_two_is_two_batches_of_one(name: str) -> None:
    blurred, _, psf = example(METHODS[name], 40, 50)
    two = torch.cat([blurred, 1 - blurred.flip(-1)])

    together = built(name)(two, psf)

    apart = torch.cat([built(name)(two[:1], psf), built(name)(two[1:], psf)])
    torch.testing.assert_close(together, apart, atol=2e-4, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_float64_runs_and_agrees_with_float32(name: str) -> None:
    blurred, _, psf = example(METHODS[name], 40, 51)

    double = built(name)(blurred.double(), psf.double())

    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), built(name)(blurred, psf), atol=3e-3, rtol=0)


@pytest.mark.parametrize("name", ANY_PSF)
def test_sharpens_what_a_lopsided_psf_blurred(name: str, comma: Psf) -> None:
    sharp = make_chart(62, 82)
    blurred = torch.conv2d(sharp, comma.flip(0, 1)[None, None])
    target = sharp[..., 1:-1, 1:-1]

    restored = built(name)(blurred, comma)

    assert float(psnr(restored, target, crop=4)) > float(psnr(blurred, target, crop=4)) + 3


@pytest.mark.parametrize("name", NAMES)
def test_sharpens_its_example(name: str) -> None:
    blurred, sharp, psf = example(METHODS[name], 120, 150)

    restored = built(name)(blurred, psf)

    assert float(psnr(restored, sharp, crop=20)) > float(psnr(blurred, sharp, crop=20)) + 1


@pytest.mark.parametrize("name", ANY_PSF)
def test_a_point_as_psf_returns_the_picture(name: str) -> None:
    picture = make_chart(48, 64)
    point = torch.zeros(3, 3)
    point[1, 1] = 1

    restored = built(name)(picture, point)

    assert float(psnr(restored, picture)) > 35


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_black_and_white_stay_finite(name: str, level: float) -> None:
    psf = parse_psf(METHODS[name].example_psf)

    restored = built(name)(torch.full((1, 1, 40, 44), level), psf)

    assert torch.isfinite(restored).all()
    assert float((restored.clamp(0, 1) - level).abs().max()) < 0.1


@pytest.mark.parametrize("name", [name for name in NAMES if METHODS[name].differentiable])
def test_lets_gradients_through(name: str) -> None:
    blurred, _, psf = example(METHODS[name], 40, 44)
    blurred.requires_grad_()

    built(name)(blurred, psf).square().sum().backward()

    assert blurred.grad is not None
    assert torch.isfinite(blurred.grad).all()
    assert float(blurred.grad.abs().max()) > 0


@pytest.mark.parametrize("name", NAMES)
def test_reports_how_far_it_is(name: str) -> None:
    blurred, _, psf = example(METHODS[name], 40, 44)
    shares: list[float] = []

    built(name)(blurred, psf, report=shares.append)

    assert shares
    assert shares == sorted(shares)
    assert 0 < shares[-1] <= 1 + 1e-9


@pytest.mark.parametrize("name", [name for name in NAMES if METHODS[name].trained is not None])
def test_a_trained_method_refuses_a_psf_that_it_does_not_know(name: str) -> None:
    assert METHODS[name].refusal(disk(4)) is not None
    assert METHODS[name].refusal(parse_psf(METHODS[name].example_psf)) is None

    with pytest.raises(PsfError, match="is trained for"):
        built(name)(torch.rand(1, 1, 40, 40), disk(4))


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_setting_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="has no setting"):
        METHODS[name].configured({"strenght_of_prior": 1})


def test_settings_are_read_from_text_and_checked() -> None:
    wiener = METHODS["wiener"]

    assert wiener.configured({"noise_to_signal": "0.02", "prior": "gradient"}).noise_to_signal == 0.02
    for key, value in [("noise_to_signal", "much"), ("noise_to_signal", "-1"), ("prior", "flatt"), ("refills", "1.5")]:
        with pytest.raises(ConfigError, match="expected"):
            wiener.configured({key: value})
    with pytest.raises(ConfigError, match="did you mean refills"):
        wiener.configured({"refils": 1})
