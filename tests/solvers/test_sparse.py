import itertools

import pytest
import torch
from torch import Tensor

from unblur.differences import derivatives, derivatives_adjoint
from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.solvers.irls import SparsePrior, conjugate_gradients, reweighted
from unblur.solvers.sparse import SparseSettings, sparse
from unblur.solvers.wiener import WienerSettings, wiener

COMMA = torch.tensor([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]], dtype=torch.float64) / 8


def blocks(height: int, width: int) -> Tensor:
    """A bright and a dark rectangle and a ramp, two planes that differ, without symmetry."""
    sharp = torch.full((1, 2, height, width), 0.3, dtype=torch.float64)
    sharp[..., 4:11, 6:20] = 0.9
    sharp[:, 1, 12:15, 3:9] = 0.05
    sharp[:, 0] += torch.linspace(0, 0.1, width, dtype=torch.float64)
    return sharp


def noisy(sharp: Tensor, sigma: float) -> Tensor:
    clean = Blur(COMMA, (sharp.shape[-2], sharp.shape[-1]))(sharp)
    return clean + sigma * torch.randn(sharp.shape, dtype=sharp.dtype, generator=torch.Generator().manual_seed(5))


def full(image: Tensor) -> Tensor:
    return image.new_ones(1, 1, *image.shape[-2:])


def test_the_adjoint_of_the_derivatives_is_their_transpose() -> None:
    draw = torch.Generator().manual_seed(1)
    image = torch.randn(1, 2, 7, 9, dtype=torch.float64, generator=draw)
    fields = [torch.randn(1, 2, 7, 9, dtype=torch.float64, generator=draw) for _ in range(5)]

    forwards = sum(float((field * t).sum()) for field, t in zip(fields, derivatives(image), strict=True))

    assert float((derivatives_adjoint(*fields) * image).sum()) == pytest.approx(forwards, abs=1e-10)


def test_the_derivatives_are_the_stencils_of_the_paper() -> None:
    point = torch.zeros(1, 1, 7, 9)
    point[..., 3, 4] = 1

    dx, dy, dxx, dyy, dxy = (field[0, 0, 2:5, 3:6] for field in derivatives(point))

    assert dx.tolist() == [[0, 0, 0], [1, -1, 0], [0, 0, 0]]
    assert dy.tolist() == [[0, 1, 0], [0, -1, 0], [0, 0, 0]]
    assert dxx.abs().tolist() == [[0, 0, 0], [1, 2, 1], [0, 0, 0]]
    assert dyy.abs().tolist() == [[0, 1, 0], [0, 2, 0], [0, 1, 0]]
    assert dxy.tolist() == [[1, -1, 0], [-1, 1, 0], [0, 0, 0]]


def test_the_parabolas_lie_above_the_penalty_and_touch_it() -> None:
    prior = SparsePrior(strength=0.7, exponent=0.8, threshold=0.05)
    here = blocks(18, 26)
    curvatures = prior.curvatures(here)

    def parabolas(image: Tensor) -> Tensor:
        bent = [c * t.square() for c, t in zip(curvatures, derivatives(image), strict=True)]
        return torch.stack(bent).sum(dim=(0, -2, -1))

    for shift in (0.01, 0.1, 1.0):
        there = here + shift * torch.randn(here.shape, dtype=here.dtype, generator=torch.Generator().manual_seed(2))
        rise = prior.penalty(there) - prior.penalty(here)
        assert (parabolas(there) - parabolas(here) >= rise).all()


def test_the_objective_falls_in_every_round() -> None:
    blurred = noisy(blocks(18, 26), 0.02)
    blur, weight = Blur(COMMA, (18, 26)), full(blurred)
    weight[..., 5:8, 7:9] = 0
    prior = SparsePrior(strength=0.002)

    def objective(image: Tensor) -> Tensor:
        return (weight * (blur(image) - blurred).square()).sum(dim=(-2, -1)) + prior.penalty(image)

    image = blurred
    values = [objective(image)]
    for _ in range(8):
        image = reweighted(image, blurred, blur=blur, weight=weight, prior=prior, steps=3)
        values.append(objective(image))

    assert all((after < before).all() for before, after in itertools.pairwise(values))
    assert (values[-1] < 0.9 * values[1]).all()


def test_exponent_two_is_the_closed_form_of_the_gradient_prior() -> None:
    blurred = noisy(blocks(18, 26), 0.02)

    expected = wiener(
        blurred,
        COMMA,
        weight=torch.ones_like(blurred),
        settings=WienerSettings(noise_to_signal=0.03, prior="gradient", refills=0),
    )
    settings = SparseSettings(smoothness=0.03, exponent=2.0, second_order=0.0, rounds=1, steps=3)

    torch.testing.assert_close(
        sparse(blurred, COMMA, weight=full(blurred), settings=settings), expected, atol=1e-9, rtol=0
    )


def test_conjugate_gradients_agree_with_a_dense_solution_under_a_weight() -> None:
    blurred = noisy(blocks(18, 26), 0.02)[:, :1, :7, :9].contiguous()
    blur, weight = Blur(COMMA, (7, 9)), full(blurred)
    weight[..., 2:4, 3:8] = 0.25
    prior = SparsePrior(strength=0.01)
    curvatures = prior.curvatures(blurred)

    def normal(x: Tensor) -> Tensor:
        bent = [c * t for c, t in zip(curvatures, derivatives(x), strict=True)]
        return blur.adjoint(weight * blur(x)) + derivatives_adjoint(*bent)

    matrix = torch.stack([normal(unit.reshape(1, 1, 7, 9)).flatten() for unit in torch.eye(63, dtype=torch.float64)])
    target = blur.adjoint(weight * blurred)
    expected = torch.linalg.solve(matrix, target.flatten())

    plain = conjugate_gradients(normal, target, start=blurred, steps=90, precondition=lambda x: x)
    eased = reweighted(blurred, blurred, blur=blur, weight=weight, prior=prior, steps=40)

    torch.testing.assert_close(matrix, matrix.T, atol=1e-12, rtol=0)
    torch.testing.assert_close(plain.flatten(), expected, atol=1e-8, rtol=0)
    torch.testing.assert_close(eased.flatten(), expected, atol=1e-8, rtol=0)


def test_restores_edges_better_than_the_quadratic_prior() -> None:
    sharp = blocks(36, 50)
    blurred = noisy(sharp, 0.02)

    quadratic = [
        wiener(
            blurred,
            COMMA,
            weight=torch.ones_like(blurred),
            settings=WienerSettings(noise_to_signal=r, prior="gradient", refills=0),
        )
        for r in (0.003, 0.01, 0.03, 0.1)
    ]
    restored = sparse(blurred, COMMA, weight=full(blurred), settings=SparseSettings(smoothness=0.002))

    error = (restored - sharp).square().mean()
    assert error < 0.7 * min((image - sharp).square().mean() for image in quadratic)


def test_ignored_pixels_have_no_say() -> None:
    blurred = noisy(blocks(18, 26), 0.01)
    weight = full(blurred)
    weight[..., 8:10, 12:15] = 0
    spoilt = torch.where(weight > 0, blurred, torch.full_like(blurred, 40.0))
    settings = SparseSettings(rounds=25, steps=20)

    restored = sparse(spoilt, COMMA, weight=weight, settings=settings)

    assert (restored - blocks(18, 26)).abs().mean() < 0.03
    assert restored.max() < 1.2


def test_planes_do_not_touch_each_other() -> None:
    blurred = noisy(blocks(18, 26), 0.02)
    settings = SparseSettings(rounds=2)

    together = sparse(blurred, COMMA, weight=full(blurred), settings=settings)
    alone = sparse(blurred[:, 1:], COMMA, weight=full(blurred), settings=settings)

    torch.testing.assert_close(together[:, 1:], alone, atol=1e-10, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_flat_pictures_stay_flat_and_finite(dtype: torch.dtype, level: float, trust: float) -> None:
    flat = torch.full((2, 1, 10, 12), level, dtype=dtype)

    restored = sparse(flat, COMMA.to(dtype), weight=trust * full(flat), settings=SparseSettings(steps=40))

    assert restored.dtype == dtype
    torch.testing.assert_close(restored, flat, atol=1e-4, rtol=0)


def test_reports_each_round() -> None:
    shares: list[float] = []
    blurred = blocks(18, 26)

    sparse(blurred, COMMA, weight=full(blurred), settings=SparseSettings(rounds=4, steps=1), report=shares.append)

    assert shares == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smoothness", 0.0),
        ("exponent", 2.5),
        ("exponent", 0.0),
        ("second_order", -0.1),
        ("threshold", 0.0),
        ("rounds", 0),
        ("steps", 0),
        ("smoothness", float("nan")),
    ],
)
def test_settings_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        SparseSettings(**{name: value})  # type: ignore[arg-type]
