import math

import numpy as np
import pytest
import scipy.fft
import torch
from torch import Tensor

from tests.conftest import make_chart
from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.networks.crf_cascade import CrfCascade, ShrinkageStage, cosines

COMMA = torch.tensor([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]], dtype=torch.float64) / 8


def blurred_chart(height: int = 14, width: int = 19) -> Tensor:
    return Blur(COMMA, (height, width))(make_chart(height, width).double())


def full(image: Tensor) -> Tensor:
    return image.new_ones(1, 1, *image.shape[-2:])


def lopsided_stage() -> ShrinkageStage:
    stage = ShrinkageStage(side=3, kernels=53).double()
    with torch.no_grad():
        draw = torch.randn(stage.mixture.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        stage.mixture.copy_(draw)
        stage.log_fidelity.fill_(math.log(30.0))
    return stage


def test_the_basis_is_the_cosine_transform_without_its_constant() -> None:
    basis = cosines(5)

    expected = scipy.fft.idctn(np.eye(25).reshape(25, 5, 5), axes=(1, 2), norm="ortho")[1:]
    np.testing.assert_allclose(basis.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("slope", [0.0, 0.6])
def test_linear_shrinkage_makes_a_stage_the_minimum_of_a_quadratic(slope: float) -> None:
    stage, blurred = lopsided_stage(), blurred_chart()
    stage.shape_as(slope * torch.linspace(-1, 1, 1025))
    estimate = torch.rand(1, 1, 14, 19, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 0.1
    blur = Blur(COMMA, (14, 19))

    found = stage(estimate, blurred, blur)

    # ∇ of 30/2 |k ⊗ x - y|² + ½ Σ |f ⊗ x - slope · f ⊗ estimate|², with loops for the filters.
    variable = found.detach().clone().requires_grad_()
    cost = 15 * (blur(variable) - blurred).square().sum()
    filters = torch.tensordot(stage.mixture.detach(), stage.basis, dims=1)
    for kernel in filters:
        response = torch.zeros_like(variable)
        for dy in range(3):
            for dx in range(3):
                moved = (variable - slope * estimate).roll((1 - dy, 1 - dx), (-2, -1))
                response = response + kernel[dy, dx] * moved
        cost = cost + 0.5 * response.square().sum()
    cost.backward()
    assert variable.grad is not None
    assert variable.grad.abs().max() < 1e-2 * slope + 1e-9  # the Gaussians fit a line to 3e-4


def test_shrinkage_follows_its_gaussians_and_goes_on_with_slope_one() -> None:
    stage = ShrinkageStage(side=3, kernels=21).double()
    heights = torch.randn(8, 21, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        stage.heights.copy_(heights)
    inside = torch.linspace(-0.99, 0.99, 8 * 5, dtype=torch.float64).reshape(1, 8, 5, 1)
    outside = torch.full((1, 8, 1, 1), 1.75, dtype=torch.float64)

    centres = torch.linspace(-1, 1, 21, dtype=torch.float64)
    bumps = torch.exp(-0.5 * ((inside[..., None] - centres) / 0.1).square())
    expected = (bumps * heights[None, :, None, None]).sum(-1)

    torch.testing.assert_close(stage.shrunk(inside), expected, atol=1e-3, rtol=0)
    torch.testing.assert_close(stage.shrunk(outside), stage.shrunk(outside * 0 + 1) + 0.75)


def test_gradients_of_a_stage_are_right() -> None:
    stage = ShrinkageStage(side=3, kernels=5).double()
    responses = torch.tensor([-1.3, -0.5003, 0.1001, 0.7004], dtype=torch.float64).reshape(1, 1, 4, 1)
    responses = responses.expand(1, 8, 4, 1).clone().requires_grad_()

    torch.autograd.gradcheck(stage.shrunk, responses, eps=1e-5)


def test_the_start_sharpens() -> None:
    blurred = blurred_chart(24, 30)
    sharp = make_chart(24, 30)

    restored = CrfCascade(stages=4, side=3, kernels=53).double()(blurred, COMMA, full(blurred))

    assert (restored - sharp).square().mean() < 0.5 * (blurred - sharp).square().mean()


def test_each_stage_but_the_first_sees_ignored_pixels_as_the_estimate_predicts_them() -> None:
    blurred = blurred_chart()
    cascade = CrfCascade(stages=2, side=3, kernels=21).double()
    weight = full(blurred)
    weight[..., 9:11, 12] = 0
    blur = Blur(COMMA, (14, 19))

    restored = cascade(blurred, COMMA, weight)

    first = cascade.stages[0](blurred, blurred, blur)
    torch.testing.assert_close(restored, cascade.stages[1](first, torch.where(weight > 0, blurred, blur(first)), blur))
    assert not torch.allclose(restored, cascade(blurred, COMMA, full(blurred)))


def test_frozen_stages_get_no_gradient_and_later_ones_are_not_run() -> None:
    cascade = CrfCascade(stages=3, side=3, kernels=9)
    blurred = blurred_chart().float()

    cascade(blurred, COMMA.float(), full(blurred), stages=2, frozen=1).square().sum().backward()

    grads = [[parameter.grad is not None for parameter in stage.parameters()] for stage in cascade.stages]
    assert [all(stage) for stage in grads] == [False, True, False]
    assert not any(grads[0] + grads[2])


def test_planes_are_restored_by_themselves_and_tiny_pictures_work() -> None:
    cascade = CrfCascade(stages=2, side=5, kernels=9)
    tiny = torch.rand(2, 3, 3, 4, generator=torch.Generator().manual_seed(1))

    together = cascade(tiny, torch.ones(1, 1), full(tiny))
    alone = cascade(tiny[1:, 2:], torch.ones(1, 1), full(tiny))

    torch.testing.assert_close(together[1:, 2:], alone)


@pytest.mark.parametrize("sizes", [{"stages": 0}, {"side": 4}, {"kernels": 1}])
def test_impossible_sizes_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="expected at least one stage"):
        CrfCascade(**sizes)
