import pytest
import torch
from torch import nn

from tests.conftest import make_chart
from unblur.errors import ConfigError
from unblur.fourier import correlate_along
from unblur.inverse.regularised import pseudo_inverse
from unblur.inverse.separable import separable
from unblur.metrics import psnr
from unblur.networks.dcnn import DCNN
from unblur.networks.denoise_cnn import DenoiseCNN
from unblur.networks.odcnn import ODCNN, PRESETS
from unblur.psf.parametric import disk
from unblur.tensors import Psf


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def randomised(network: nn.Module) -> nn.Module:
    source = generator()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=source))
    return network.double()


def test_sizes_are_those_of_the_papers_figure_6() -> None:
    blurred = torch.zeros(1, 1, 184, 184)
    network = ODCNN(**PRESETS["paper"])

    maps = network.maps(blurred)
    first = network.layers.first(maps)
    restored = network(blurred)

    assert maps.shape == (1, 38, 64, 64)
    assert first.shape == (1, 512, 49, 49)
    assert restored.shape == (1, 1, 56, 56)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(5.46e6, rel=2e-3)
    assert (network.margin, network.rim) == (71, 7)


def test_merging_both_halves_changes_nothing() -> None:
    deconvolution, denoise = DCNN(width=5, support=11), DenoiseCNN(width=6, first=6, last=4)
    merged = ODCNN(width=5, support=11, outlier_width=6, first=6, last=4)
    for network in (deconvolution, denoise):
        randomised(network)
    blurred = torch.rand(2, 3, 30, 34, dtype=torch.float64, generator=generator())

    merged.double().merge(deconvolution, denoise)

    torch.testing.assert_close(merged(blurred), denoise(deconvolution(blurred)), atol=1e-12, rtol=1e-12)


def test_the_last_convolution_is_full() -> None:
    denoise = DenoiseCNN(width=3, first=6, last=4)
    randomised(denoise)
    picture = torch.rand(1, 1, 20, 22, dtype=torch.float64, generator=generator())

    hidden = torch.tanh(denoise.layers.second(torch.tanh(denoise.layers.first(picture - 0.5))))
    kernels = denoise.layers.last.weight.transpose(0, 1).flip(-2, -1)
    full = torch.conv2d(hidden, kernels, denoise.layers.last.bias, padding=3) + 0.5

    torch.testing.assert_close(denoise(picture), full)


@pytest.mark.parametrize("support", [41, 121])
def test_the_separable_start_is_the_separable_inversion(support: int) -> None:
    psf = disk(3.5)
    blurred = torch.conv2d(make_chart(180, 200), psf[None, None])
    network = DCNN(width=20, support=support)

    network.start("separable", psf, blurred, noise_to_signal=1e-2, generator=generator())

    inversion = separable(pseudo_inverse(psf.double(), 1e-2, support), rank=20)
    expected = inversion.apply(blurred.double() - 0.5).float() + 0.5
    error = (network(blurred).detach() - expected).square().mean()
    assert float(-10 * torch.log10(error)) >= 45
    assert float(network.mix.weight.detach().abs().max()) < 15


def test_the_separable_start_undoes_a_lopsided_blur(comma: Psf) -> None:
    sharp = make_chart(70, 90)
    blurred = torch.conv2d(sharp, comma.flip(0, 1)[None, None])
    network = DCNN(width=15, support=15)

    network.start("separable", comma, blurred, noise_to_signal=1e-3, generator=generator())

    restored, target = network(blurred).detach(), sharp[..., 8:-8, 8:-8]
    assert float(psnr(restored, target)) > float(psnr(blurred[..., 7:-7, 7:-7], target)) + 6


def test_the_random_start_knows_nothing_of_the_psf() -> None:
    starts = []
    for psf in (disk(2), disk(5)):
        network = DCNN(width=4, support=11)
        network.start("random", psf, torch.rand(1, 1, 30, 30), noise_to_signal=1e-2, generator=generator())
        starts.append(network.maps.rows.weight.detach().clone())

    torch.testing.assert_close(starts[0], starts[1], atol=0, rtol=0)


def test_the_denoise_start_passes_the_picture_through() -> None:
    network = DenoiseCNN(width=24, first=12, last=8)
    picture = make_chart(60, 70)

    network.start(generator())

    restored = network(picture).detach()[..., 7:-7, 7:-7]
    assert restored.shape == (1, 1, 42, 52)
    assert float(psnr(restored, picture[..., 9:-9, 9:-9])) > 25


def test_colour_planes_share_the_weights() -> None:
    network = randomised(ODCNN(width=3, support=9, outlier_width=4, first=4, last=4))
    picture = torch.rand(1, 3, 24, 26, dtype=torch.float64, generator=generator())

    together = network(picture)

    alone = torch.cat([network(picture[:, [plane]]) for plane in range(3)], dim=1)
    torch.testing.assert_close(together, alone)


def test_long_correlation_equals_conv2d_along_both_sides() -> None:
    picture = torch.rand(2, 3, 40, 52, dtype=torch.float64, generator=generator())
    kernels = torch.rand(4, 3, 11, dtype=torch.float64, generator=generator())

    down = correlate_along(picture, kernels, -2)
    across = correlate_along(picture, kernels, -1)

    torch.testing.assert_close(down, torch.conv2d(picture, kernels[:, :, :, None]))
    torch.testing.assert_close(across, torch.conv2d(picture, kernels[:, :, None, :]))


@pytest.mark.parametrize("sizes", [{"support": 10}, {"width": 0}, {"first": 5, "last": 4}])
def test_refuses_sizes_that_lie_between_pixels(sizes: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        ODCNN(**{**PRESETS["small"], **sizes})
