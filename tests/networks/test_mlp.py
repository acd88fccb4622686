import pytest
import torch
from torch import Tensor

from tests.conftest import make_chart
from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.networks.mlp import MLP
from unblur.networks.patchwise import gaussian_window, patchwise
from unblur.solvers.wiener import WienerSettings, wiener

COMMA = torch.tensor([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]], dtype=torch.float64) / 8


def full(image: Tensor) -> Tensor:
    return image.new_ones(1, 1, *image.shape[-2:])


def small_mlp(stride: int = 2) -> MLP:
    network = MLP(inside=7, outside=3, width=5, depth=2, stride=stride).double()
    network.start(torch.Generator().manual_seed(1), strength=0.02)
    with torch.no_grad():
        draw = torch.randn(network.last.weight.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
        network.last.weight.copy_(draw)
    return network


def test_patchwise_equals_a_loop_over_patches() -> None:
    planes = torch.rand(2, 1, 11, 14, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    window = gaussian_window(3, like=planes)
    mixing = torch.randn(25, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    total, counts = torch.zeros(2, 9, 12, dtype=torch.float64), torch.zeros(9, 12, dtype=torch.float64)
    for top in range(0, 7, 2):
        for left in range(0, 10, 2):
            patch = planes[:, 0, top : top + 5, left : left + 5].reshape(2, 25) @ mixing
            total[:, top : top + 3, left : left + 3] += patch.reshape(2, 3, 3) * window
            counts[top : top + 3, left : left + 3] += window

    restored = patchwise(lambda patches: patches @ mixing, planes, inside=5, window=window, stride=2)

    seen = counts > 0
    torch.testing.assert_close(restored[:, 0][:, seen], (total / counts)[:, seen])
    assert seen.sum() > 80


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_picture_is_restored_patch_by_patch_wherever_it_begins(stride: int) -> None:
    network = small_mlp(stride)
    blurred = Blur(COMMA, (12, 18))(make_chart(12, 18).double())

    restored = network(blurred, COMMA, full(blurred))
    moved = network(blurred.roll((stride, 2 * stride), (-2, -1)), COMMA, full(blurred))

    # 12 and 18 are whole strides, so a circular shift by strides must shift the result and nothing else.
    torch.testing.assert_close(moved, restored.roll((stride, 2 * stride), (-2, -1)), atol=1e-10, rtol=0)


def test_after_the_start_it_is_the_inversion_with_a_gradient_prior() -> None:
    network = MLP(inside=9, outside=5, width=4, depth=1, stride=2).double()
    network.start(torch.Generator().manual_seed(1), strength=0.03)
    blurred = Blur(COMMA, (13, 17))(make_chart(13, 17).double())

    restored = network(blurred, COMMA, full(blurred))

    settings = WienerSettings(noise_to_signal=0.03, prior="gradient", refills=0)
    torch.testing.assert_close(
        restored, wiener(blurred, COMMA, weight=full(blurred), settings=settings), atol=1e-8, rtol=0
    )


def test_a_patch_is_corrected_by_the_perceptron_and_keeps_its_level() -> None:
    network = small_mlp()
    patches = torch.rand(6, 49, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    repaired = network.repaired(patches)

    x = 4 * (patches - patches.mean(1, keepdim=True))
    for layer in network.hidden:
        x = torch.tanh(x @ layer.get_parameter("weight").T + layer.get_parameter("bias"))
    middle = patches.reshape(6, 7, 7)[:, 2:5, 2:5].reshape(6, 9)
    torch.testing.assert_close(repaired, middle + (x @ network.last.weight.T + network.last.bias) / 4)
    torch.testing.assert_close(network.repaired(patches + 0.3), repaired + 0.3)


def test_training_patches_have_the_same_centres() -> None:
    network = small_mlp()
    image = torch.arange(11 * 13, dtype=torch.float64).reshape(1, 1, 11, 13)

    seen = network.training_patches(image, 7, 3)
    wanted = network.training_patches(image, 3, 3)

    assert torch.equal(seen[:, 24], wanted[:, 4])
    assert seen.shape == (2 * 3, 49)


def test_ignored_pixels_are_refilled() -> None:
    network = small_mlp()
    with torch.no_grad():
        network.last.weight.zero_()
    blurred = Blur(COMMA, (16, 22))(make_chart(16, 22).double())
    weight = full(blurred)
    weight[..., 6, 9] = 0
    spoilt = torch.where(weight > 0, blurred, torch.zeros_like(blurred))

    wanted = network(blurred, COMMA, full(blurred))
    heeding, blind = network(spoilt, COMMA, weight), network(spoilt, COMMA, full(blurred))

    assert (heeding - wanted).square().sum() < 0.9 * (blind - wanted).square().sum()


@pytest.mark.parametrize("sizes", [{"inside": 8}, {"outside": 41}, {"stride": 14}, {"depth": 0}, {"width": 0}])
def test_impossible_sizes_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        MLP(**sizes)
