"""Wide kernels by matrix products against PyTorch's own convolution."""

import pytest
import torch
from torch.nn.functional import conv2d

from unblur.networks import denoise_cnn
from unblur.networks.denoise_cnn import OutlierLayers
from unblur.networks.overlap_save import correlate


@pytest.mark.parametrize(("size", "side"), [((20, 27), 5), ((9, 70), 6), ((40, 7), 7), ((16, 61), 16), ((3, 8), 1)])
def test_wide_kernels_by_matrix_products_equal_conv2d(size: tuple[int, int], side: int) -> None:
    generator = torch.Generator().manual_seed(3)
    maps = torch.rand(2, 3, *size, generator=generator, dtype=torch.float64)
    kernels = torch.rand(4, 3, side, side, generator=generator, dtype=torch.float64)

    columns, layout = correlate(maps, kernels, torch.float64)

    torch.testing.assert_close(layout.restored(columns), conv2d(maps, kernels))


def test_their_gradients_are_those_of_conv2d() -> None:
    generator = torch.Generator().manual_seed(4)
    maps = torch.rand(2, 2, 8, 23, generator=generator, dtype=torch.float64, requires_grad=True)
    kernels = torch.rand(3, 2, 4, 4, generator=generator, dtype=torch.float64, requires_grad=True)

    def by_products() -> torch.Tensor:
        columns, layout = correlate(maps, kernels, torch.float64)
        return layout.restored(columns)

    ours = torch.autograd.grad(by_products().square().sum(), [maps, kernels])
    theirs = torch.autograd.grad(conv2d(maps, kernels).square().sum(), [maps, kernels])

    torch.testing.assert_close(ours, theirs)


def test_in_bfloat16_they_are_as_exact_as_conv2d_is() -> None:
    generator = torch.Generator().manual_seed(5)
    maps = torch.rand(1, 4, 40, 90, generator=generator) - 0.5
    kernels = torch.randn(6, 4, 12, 12, generator=generator)
    exact = conv2d(maps, kernels)

    columns, layout = correlate(maps, kernels, torch.bfloat16)

    ours = (layout.restored(columns).float() - exact).std()
    direct = (conv2d(maps.bfloat16(), kernels.bfloat16()).float() - exact).std()
    assert ours < 2 * direct


@pytest.mark.parametrize("rectified", [0, 1])
def test_outlier_layers_in_bands_equal_the_three_convolutions(rectified: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(6)
    layers = OutlierLayers(inputs=3, width=5, first=6, last=4, rectified=rectified).double()
    maps = torch.rand(2, 3, 31, 26, dtype=torch.float64)
    monkeypatch.setattr(denoise_cnn, "BAND", 300)  # seven lines of both pictures at a time

    whole = layers(maps)

    unit = torch.relu if rectified else torch.tanh
    torch.testing.assert_close(whole, layers.last(unit(layers.second(unit(layers.first(maps))))))
