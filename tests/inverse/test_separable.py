import pytest
import torch

from tests.conftest import make_chart
from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.inverse.regularised import pseudo_inverse
from unblur.inverse.separable import separable
from unblur.psf.parametric import disk
from unblur.tensors import Psf


def test_all_terms_together_are_the_kernel(comma: Psf) -> None:
    kernel = pseudo_inverse(comma.double(), 1e-2, 21)

    torch.testing.assert_close(separable(kernel).kernel, kernel)


def test_the_disk_of_radius_7_has_the_singular_values_that_were_computed_by_hand() -> None:
    kernels = {r: pseudo_inverse(disk(7).double(), r, 121) for r in (1e-4, 1e-3, 1e-2)}

    counts = {r: len(separable(kernel, threshold=0.01).strengths) for r, kernel in kernels.items()}

    assert counts == pytest.approx({1e-4: 52, 1e-3: 32, 1e-2: 16}, abs=1)
    strongest = separable(kernels[1e-4], rank=38)
    error = (strongest.kernel - kernels[1e-4]).norm() / kernels[1e-4].norm()
    assert float(error) == pytest.approx(1.2e-2, rel=0.2)


def test_applying_the_terms_is_convolving_with_the_kernel(comma: Psf) -> None:
    kernel = pseudo_inverse(comma.double(), 1e-2, 9)
    picture = torch.rand(2, 3, 20, 26, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    ours = separable(kernel).apply(picture)

    direct = torch.conv2d(picture.reshape(6, 1, 20, 26), kernel.flip(0, 1)[None, None]).reshape(2, 3, 12, 18)
    torch.testing.assert_close(ours, direct)


def test_equals_the_fourier_inverse_where_the_kernel_reaches() -> None:
    psf, r = disk(3.5).double(), 1e-2
    sharp = make_chart(160, 200).double()
    blur = Blur(psf, (160, 200))
    blurred = blur(sharp)
    # Scaled to unit gain, as the inverse kernel is.
    fourier = blur.filter(blurred, blur.otf.conj() / (blur.otf.abs().square() + r)) * (1 + r)

    kernel = separable(pseudo_inverse(psf, r, 81), threshold=1e-4)
    ours = kernel.apply(blurred)

    difference = ours - fourier[..., 40:-40, 40:-40]
    assert float(difference.square().mean().sqrt()) < 5e-3


def test_a_rank_and_a_threshold_both_limit() -> None:
    kernel = pseudo_inverse(disk(3), 1e-2, 41)

    assert separable(kernel, rank=4).columns.shape == (41, 4)
    assert len(separable(kernel, threshold=0.05).strengths) < len(separable(kernel, threshold=0.001).strengths)
    assert len(separable(kernel, rank=2, threshold=0.001).strengths) == 2


@pytest.mark.parametrize("rank", [0, 42])
def test_refuses_ranks_that_a_kernel_cannot_have(rank: int) -> None:
    with pytest.raises(ConfigError, match="rank"):
        separable(pseudo_inverse(disk(3), 1e-2, 41), rank=rank)
