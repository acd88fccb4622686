"""Methods as modules: the same pictures as elsewhere, gradients that a small change confirms."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.conftest import make_chart
from unblur.errors import ConfigError, PsfError
from unblur.interop.module import Deblur, levels_of
from unblur.methods import METHODS
from unblur.networks.light import noise_levels
from unblur.psf.parametric import disk
from unblur.tensors import Psf


@pytest.mark.parametrize(
    ("method", "settings"), [("universal", {}), ("universal", {"views": 2}), ("wiener", {}), ("sparse", {})]
)
def test_a_module_gives_what_the_method_gives(
    method: str, settings: dict[str, object], comma: Psf, chart: Tensor
) -> None:
    weight = torch.ones(1, 1, 48, 64)
    weight[..., 20:24, 30:34] = 0

    restored = Deblur(method, settings=settings)(chart, comma, weight)

    method_itself = METHODS[method].build(torch.device("cpu"), METHODS[method].settings(**settings))
    expected = method_itself(chart, comma, weight=weight)
    torch.testing.assert_close(restored, expected)


@pytest.mark.parametrize("method", ["universal", "wiener"])
def test_each_photograph_may_have_its_own_psf(method: str, comma: Psf, chart: Tensor) -> None:
    module = Deblur(method)
    pictures, psfs = torch.cat([chart, chart.flip(-1)]), torch.stack([comma, comma.flip(0)])

    together = module(pictures, psfs)

    apart = torch.cat([module(pictures[:1], psfs[0]), module(pictures[1:], psfs[1])])
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=0)
    assert not torch.allclose(together[1:], module(pictures[1:], psfs[0]), atol=1e-2)


@pytest.mark.parametrize("method", ["universal", "wiener"])
def test_gradients_are_those_of_small_changes(method: str, small_weights: Path, comma: Psf) -> None:
    settings = {"weights": small_weights} if method == "universal" else {}
    module = Deblur(method, settings={key: str(value) for key, value in settings.items()}).double()
    generator = torch.Generator().manual_seed(1)
    picture = make_chart(24, 32).double().requires_grad_()
    psf = comma.double().requires_grad_()
    towards = torch.randn(picture.shape, generator=generator, dtype=torch.float64)
    bend = torch.randn(psf.shape, generator=generator, dtype=torch.float64)
    judge = torch.randn(picture.shape, generator=generator, dtype=torch.float64)

    def score(step: float) -> Tensor:
        noise = torch.tensor(0.02, dtype=torch.float64)  # what is measured has steps where the median changes pixels
        return (judge * module(picture + step * towards, psf + step * bend, noise=noise)).sum()

    score(0).backward()

    assert picture.grad is not None
    assert psf.grad is not None
    along = float((picture.grad * towards).sum() + (psf.grad * bend).sum())
    small = 1e-6
    change = float(score(small).detach() - score(-small).detach()) / (2 * small)
    assert along == pytest.approx(change, rel=1e-3)
    assert psf.grad.abs().max() > 0


def test_the_network_learns_when_it_is_told_to(small_weights: Path, comma: Psf, chart: Tensor) -> None:
    module = Deblur(settings={"weights": str(small_weights)})
    assert not any(parameter.requires_grad for parameter in module.parameters())

    module.requires_grad_(True)
    before = module(chart, comma)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-4)
    (before - chart).square().mean().backward()
    optimizer.step()

    assert len(module.state_dict()) > 20
    after = module(chart, comma)
    assert (after - chart).square().mean() < (before - chart).square().mean()


def test_known_noise_takes_the_place_of_the_measured_one(chart: Tensor, comma: Psf) -> None:
    module = Deblur()

    calm, trusting = (module(chart, comma, noise=torch.tensor(sigma)) for sigma in (0.1, 0.001))

    def roughness(image: Tensor) -> float:
        return float(image.diff(dim=-1).square().mean())

    assert roughness(calm) < roughness(trusting)
    noisy = 0.5 + 0.03 * torch.randn(1, 1, 512, 512, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(levels_of(torch.tensor(0.03), 1), noise_levels(noisy), atol=0.05, rtol=0)


def test_what_a_module_cannot_do_is_said(chart: Tensor, comma: Psf) -> None:
    with pytest.raises(ConfigError, match="expected one of wiener"):
        Deblur("magic")
    with pytest.raises(ConfigError, match="sparse gives no gradients, expected one of wiener"):
        Deblur("sparse")(chart.clone().requires_grad_(), comma)
    with pytest.raises(ConfigError, match="separable gives no gradients by the PSF"):
        Deblur("separable")(chart, comma.clone().requires_grad_())
    with pytest.raises(PsfError, match=r"expected \(kh, kw\) or \(1, kh, kw\)"):
        Deblur("wiener")(chart, torch.stack([comma, comma]))
    with pytest.raises(PsfError, match="expected odd ones"):
        Deblur("wiener")(chart, torch.full((2, 3), 1 / 6).requires_grad_())
    with pytest.raises(PsfError, match="is trained for"):
        Deblur("dcnn")(chart, disk(2))
