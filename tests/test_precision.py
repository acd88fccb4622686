"""bfloat16 is chosen where the processor has it, can be turned off, and costs less than a grey level."""

import pytest
import torch

from tests.conftest import make_chart
from unblur import precision
from unblur.methods import METHODS
from unblur.psf.parse import parse_psf


def test_it_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_in_hardware", lambda _: True)

    assert not precision.bfloat16_pays("cpu")  # conftest turned it off
    monkeypatch.delenv("UNBLUR_PRECISION")
    assert precision.bfloat16_pays("cpu")


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.trained is not None])
def test_it_moves_a_network_by_less_than_a_grey_level(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method = METHODS[name]
    psf = parse_psf(method.example_psf)
    kh, kw = psf.shape
    blurred = torch.conv2d(make_chart(40 + kh - 1, 51 + kw - 1), psf.flip(0, 1)[None, None])
    exact = method.build(torch.device("cpu"), method.settings())(blurred, psf)

    monkeypatch.setattr(precision, "_in_hardware", lambda _: True)
    monkeypatch.delenv("UNBLUR_PRECISION")
    quick = method.build(torch.device("cpu"), method.settings())(blurred, psf)

    assert (exact - quick).abs().mean() < 1 / 255
    assert (exact - quick).abs().max() < 10 / 255


@pytest.mark.parametrize("name", ["universal", "odcnn", "dcnn"])
def test_float64_stays_so_where_bfloat16_pays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method = METHODS[name]
    psf = parse_psf(method.example_psf).double()
    monkeypatch.setattr(precision, "_in_hardware", lambda _: True)
    monkeypatch.delenv("UNBLUR_PRECISION")

    assert method.build(torch.device("cpu"), method.settings())(make_chart(50, 61).double(), psf).dtype == torch.float64
