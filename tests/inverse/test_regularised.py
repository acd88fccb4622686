import pytest
import torch

from unblur.errors import ConfigError
from unblur.fourier import otf
from unblur.inverse.regularised import pseudo_inverse
from unblur.psf.parametric import disk
from unblur.tensors import Psf


@pytest.mark.parametrize("noise_to_signal", [1e-4, 1e-3, 1e-2])
def test_the_cropped_inverse_keeps_the_level_of_flat_areas(noise_to_signal: float) -> None:
    kernel = pseudo_inverse(disk(7), noise_to_signal, 121)

    assert float(kernel.double().sum()) == pytest.approx(1, abs=1e-4)


def test_a_point_inverts_to_a_point() -> None:
    kernel = pseudo_inverse(torch.ones(1, 1), 1e-3, 5)

    expected = torch.zeros(5, 5)
    expected[2, 2] = 1
    torch.testing.assert_close(kernel, expected, atol=2e-3, rtol=0)


def test_undoes_a_lopsided_blur_rather_than_its_mirror_image(comma: Psf) -> None:
    kernel = pseudo_inverse(comma.double(), 1e-6, 31)

    # k† ⊗ k by full convolution: a point at the centre of 33 × 33.
    product = torch.conv2d(kernel[None, None], comma.double().flip(0, 1)[None, None], padding=2)[0, 0]
    point = torch.zeros_like(product)
    point[16, 16] = 1
    torch.testing.assert_close(product, point, atol=1e-3, rtol=0)


@pytest.mark.parametrize(("noise_to_signal", "energy"), [(1e-4, 0.993), (1e-3, 0.998), (1e-2, 0.99995)])
def test_energy_within_121_pixels_is_as_computed_by_hand_for_a_disk_of_7(noise_to_signal: float, energy: float) -> None:
    response = otf(disk(7).double(), (512, 512))
    whole = torch.fft.irfft2(response.conj() / (response.abs().square() + noise_to_signal), s=(512, 512))
    inside = whole.roll((60, 60), dims=(0, 1))[:121, :121]

    share = float(inside.square().sum() / whole.square().sum())

    assert share == pytest.approx(energy, abs=2e-3)
    crop = pseudo_inverse(disk(7).double(), noise_to_signal, 121)
    torch.testing.assert_close(crop - crop.mean(), inside - inside.mean(), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("noise_to_signal", "support"), [(0.0, 21), (-1.0, 21), (float("nan"), 21), (0.01, 20), (0.01, 0)]
)
def test_refuses_what_has_no_inverse_kernel(noise_to_signal: float, support: int) -> None:
    with pytest.raises(ConfigError, match="expected"):
        pseudo_inverse(disk(2), noise_to_signal, support)
