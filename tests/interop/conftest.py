"""A universal network as small as can be, whose U-Nets have something to say."""

from pathlib import Path

import pytest
import torch

from unblur.networks.kinds import UniversalByNoise
from unblur.networks.universal import Sizes
from unblur.psf.parametric import disk
from unblur.weights import Card, Weights, write_weights


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One U-Net for two steps, three inverses, one of a filtered picture, and rounds for each kind of noise."""
    maps = {"width": 4, "middle": 4, "deep": 4}
    sizes = {"steps": 2, "members": 2, "features": 1, "sparse": 1, "kinds": 1, "shared": 1, **maps}
    network, generator = UniversalByNoise(Sizes(**sizes)), torch.Generator().manual_seed(3)
    network.start(generator)
    with torch.no_grad():  # A fresh U-Net answers 0, and a mistake in what it is shown would not be seen.
        for name, parameter in network.named_parameters():
            if name.endswith("last.weight"):
                size = 0.005 if ".rounds." in name else 0.05
                parameter.copy_(size * torch.randn(parameter.shape, generator=generator))
        for one in network.networks():
            one.choice.copy_(0.3 * torch.randn(one.choice.shape, generator=generator))
    card = Card(
        network="universal",
        sizes=sizes,
        psf="disk:7",
        start="random",
        transfer="any",
        recipe={},
        photographs=0,
    )
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    write_weights(path, Weights(card=card, psf=disk(7), tensors=dict(network.state_dict())))
    return path
