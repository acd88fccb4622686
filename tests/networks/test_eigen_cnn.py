import torch

from tests.conftest import make_chart
from unblur.boundary import mirrored
from unblur.networks.eigen_cnn import EigenCNN


def test_it_has_the_sizes_of_the_paper() -> None:
    with torch.device("meta"):
        network = EigenCNN()

    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items() if name.endswith("weight")}
    assert list(shapes.values()) == [(512, 1, 16, 16), (512, 512, 1, 1), (512, 1, 8, 8)]


def test_after_the_start_it_passes_a_photograph_through_in_its_place() -> None:
    network = EigenCNN(width=12, first=6, last=4)
    network.start(torch.Generator().manual_seed(1), carriers=1)
    chart = make_chart(20, 27)

    restored = network(mirrored(chart, network.margin))
    restored = restored[..., network.rim : network.rim + 20, network.rim : network.rim + 27]

    assert (restored - chart).abs().mean() < 0.02
    assert (restored.roll(1, -1) - chart).abs().mean() > 0.025
