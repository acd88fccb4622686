"""The trained rivals as methods, with small untrained weights: that they run, whatever they have learned."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.conftest import make_chart
from unblur.baselines import BASELINES, CANDIDATES, weights_here
from unblur.errors import ConfigError, PsfError, WeightsError
from unblur.method import Method
from unblur.methods import METHODS
from unblur.networks.crf_cascade import CrfCascade
from unblur.networks.eigen_cnn import EigenCNN
from unblur.networks.mlp import MLP
from unblur.networks.ssdae import SSDAE
from unblur.psf.parse import parse_psf
from unblur.solvers.epll import PatchPrior
from unblur.tensors import Psf
from unblur.weights import Card, Weights, write_weights

CPU = torch.device("cpu")
METHOD = {method.name: method for method in CANDIDATES}
NETWORKS = [name for name in METHOD if name != "epll"]
SIZES: dict[str, dict[str, int]] = {
    "crf-cascade": {"stages": 2, "side": 3, "kernels": 9},
    "mlp": {"inside": 9, "outside": 5, "width": 6, "depth": 2, "stride": 3},
    "ssdae": {"side": 5, "width": 7, "depth": 2, "stride": 2},
    "eigen-cnn": {"width": 6, "first": 8, "last": 4},
    "epll": {"components": 2, "side": 4},
}


def card(name: str, psf: str) -> Card:
    return Card(network=name, sizes=SIZES[name], psf=psf, start="random", transfer="encoded", recipe={}, photographs=0)


def tensors_of(name: str) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    network: nn.Module
    if name == "epll":
        smooth = torch.exp(-0.3 * (torch.arange(16)[:, None] - torch.arange(16)[None, :]).abs().double())
        covariances = torch.stack([0.01 * smooth, 0.0001 * smooth])
        return PatchPrior(shares=torch.tensor([0.4, 0.6]).double(), covariances=covariances).tensors()
    if name == "crf-cascade":
        network = CrfCascade(**SIZES[name])
    elif name == "mlp":
        network = MLP(**SIZES[name])
        network.start(generator, strength=0.01)
    elif name == "ssdae":
        network = SSDAE(**SIZES[name])
        network.start(generator)
    else:
        network = EigenCNN(**SIZES[name])
        network.start(generator)
    return {key: tensor.half() for key, tensor in network.state_dict().items()}


def method_of(name: str, folder: Path, psf: str = "disk:2.5") -> tuple[Method, Any, Psf]:
    """The method, settings that name a small weights file, and the PSF that this is for."""
    path = folder / f"{name}.safetensors"
    values = torch.ones(1, 1) if name == "epll" else parse_psf(psf)
    write_weights(path, Weights(card=card(name, psf), psf=values, tensors=tensors_of(name)))
    return METHOD[name], METHOD[name].configured({"weights": str(path)}), parse_psf(psf)


@pytest.mark.parametrize("name", METHOD)
@pytest.mark.parametrize("psf", ["disk:2.5", "shake:9,seed=2"])
def test_colour_keeps_its_shape_and_every_plane_is_restored_by_itself(name: str, psf: str, tmp_path: Path) -> None:
    method, settings, kernel = method_of(name, tmp_path, psf)
    colour = torch.cat([make_chart(37, 44), 1 - make_chart(37, 44), 0.5 * make_chart(37, 44)], dim=1)
    shares: list[float] = []

    restored = method.build(CPU, settings)(colour, kernel, report=shares.append)

    assert restored.shape == colour.shape
    assert torch.isfinite(restored).all()
    alone = method.build(CPU, settings)(colour[:, 1:2], kernel)
    torch.testing.assert_close(restored[:, 1:2], alone, atol=2e-4, rtol=0)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


@pytest.mark.parametrize("name", METHOD)
def test_float64_agrees_with_float32(name: str, tmp_path: Path) -> None:
    method, settings, psf = method_of(name, tmp_path)
    deconvolve = method.build(CPU, settings)

    double = deconvolve(make_chart(30, 34).double(), psf.double())

    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), deconvolve(make_chart(30, 34), psf), atol=3e-3, rtol=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_refuses_a_psf_that_it_was_not_trained_for(name: str, tmp_path: Path) -> None:
    method, settings, psf = method_of(name, tmp_path)

    assert method.refusal(psf, settings) is None
    assert "is trained for disk:2.5" in (method.refusal(parse_psf("disk:4"), settings) or "")
    with pytest.raises(PsfError, match="is trained for disk:2"):
        method.build(CPU, settings)(make_chart(30, 34), parse_psf("disk:4"))


@pytest.mark.parametrize("name", METHOD)
def test_weights_of_another_network_are_refused(name: str, tmp_path: Path) -> None:
    other = "epll" if name != "epll" else "ssdae"
    _, settings, psf = method_of(other, tmp_path)

    with pytest.raises(ConfigError, match=f"holds a {other}"):
        METHOD[name].build(CPU, METHOD[name].configured({"weights": settings.weights}))(make_chart(30, 34), psf)


def test_weights_whose_card_lacks_a_size_are_refused(tmp_path: Path) -> None:
    wrong = Card(**{**vars(card("mlp", "disk:2.5")), "sizes": {"inside": 9, "outsize": 5}})
    write_weights(tmp_path / "w", Weights(card=wrong, psf=parse_psf("disk:2.5"), tensors=tensors_of("mlp")))
    settings = METHOD["mlp"].configured({"weights": str(tmp_path / "w")})

    with pytest.raises(WeightsError, match="lacks a size"):
        METHOD["mlp"].build(CPU, settings)(make_chart(30, 34), parse_psf("disk:2.5"))


@pytest.mark.parametrize("name", ["epll", "crf-cascade", "mlp"])
def test_an_ignored_pixel_does_not_matter(name: str, tmp_path: Path) -> None:
    method, settings, psf = method_of(name, tmp_path)
    clean, weight = make_chart(36, 40), torch.ones(1, 1, 36, 40)
    dirty = clean.clone()
    dirty[..., 14:17, 20:24] = 1
    weight[..., 14:17, 20:24] = 0
    deconvolve = method.build(CPU, settings)

    torch.testing.assert_close(deconvolve(dirty, psf, weight=weight), deconvolve(clean, psf, weight=weight))
    assert not torch.allclose(deconvolve(dirty, psf), deconvolve(clean, psf), atol=1e-3)


@pytest.mark.parametrize("name", ["ssdae", "eigen-cnn"])
def test_a_network_of_valid_convolutions_refuses_a_weight(name: str, tmp_path: Path) -> None:
    method, settings, psf = method_of(name, tmp_path)

    with pytest.raises(ConfigError, match="leave the weight out"):
        method.build(CPU, settings)(make_chart(30, 34), psf, weight=torch.ones(1, 1, 30, 34))


def test_tiles_of_the_cnn_equal_the_whole(tmp_path: Path) -> None:
    method, settings, psf = method_of("eigen-cnn", tmp_path)
    picture, deconvolve = make_chart(40, 60), method.build(CPU, settings)
    margin = method.margin(psf, settings)

    left = deconvolve(picture[..., : 30 + margin], psf)[..., :30]

    assert margin == (8 + 4 - 2) // 2
    torch.testing.assert_close(left, deconvolve(picture, psf)[..., :30], atol=1e-5, rtol=0)


def test_only_what_has_weights_is_listed() -> None:
    listed = [method.name for method in CANDIDATES if method.name in METHODS]

    assert listed == [method.name for method in BASELINES]
    assert listed == [name for name in METHOD if weights_here(name)]
