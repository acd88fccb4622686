import pytest
import torch
from torch import Tensor

from unblur.errors import ConfigError
from unblur.fourier import Blur
from unblur.solvers.hyper_laplacian import HyperLaplacianSettings, hyper_laplacian, shrunk
from unblur.solvers.wiener import WienerSettings, wiener

COMMA = torch.tensor([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]], dtype=torch.float64) / 8


def blocks(height: int, width: int) -> Tensor:
    sharp = torch.full((1, 2, height, width), 0.3, dtype=torch.float64)
    sharp[..., 4:11, 6:20] = 0.9
    sharp[:, 1, 12:15, 3:9] = 0.05
    return sharp


def noisy(sharp: Tensor, sigma: float) -> Tensor:
    clean = Blur(COMMA, (sharp.shape[-2], sharp.shape[-1]))(sharp)
    return clean + sigma * torch.randn(sharp.shape, dtype=sharp.dtype, generator=torch.Generator().manual_seed(5))


def full(image: Tensor) -> Tensor:
    return image.new_ones(1, 1, *image.shape[-2:])


@pytest.mark.parametrize("exponent", [0.1, 1 / 2, 2 / 3, 0.8, 0.99, 1.0])
@pytest.mark.parametrize("coupling", [1.0, 22.6, 256.0])
def test_shrinking_finds_what_a_search_over_all_values_finds(exponent: float, coupling: float) -> None:
    v = torch.arange(-100, 101, dtype=torch.float64) / 40
    candidates = torch.arange(-10000, 10001, dtype=torch.float64) / 4000

    def cost(w: Tensor, value: Tensor) -> Tensor:
        return w.abs() ** exponent + coupling / 2 * (w - value).square()

    best = cost(candidates[None, :], v[:, None]).min(dim=1).values
    found = shrunk(v, coupling, exponent)

    assert (cost(found, v) <= best + 1e-12).all()  # the grid holds 0, so a missed threshold would show
    assert (cost(found, v) >= best - coupling * 1e-7).all()


@pytest.mark.parametrize("exponent", [0.1, 1 / 2, 2 / 3, 0.8])
def test_shrinking_meets_the_condition_of_a_minimum(exponent: float) -> None:
    v = torch.linspace(0.01, 3, 500, dtype=torch.float64)

    w = shrunk(v, 8.0, exponent)

    moved = w > 0
    slope = exponent * w[moved] ** (exponent - 1) + 8 * (w[moved] - v[moved])
    assert moved.sum() > 200
    assert slope.abs().max() < 1e-6


def test_exponent_one_is_soft_thresholding() -> None:
    v = torch.tensor([-1.0, -0.3, -0.25, 0.0, 0.2, 0.6], dtype=torch.float64)

    expected = torch.nn.functional.softshrink(v, 0.25)

    torch.testing.assert_close(shrunk(v, 4.0, 1.0), expected, atol=1e-12, rtol=0)


def test_two_thirds_agrees_with_the_quartic_of_the_paper() -> None:
    v, coupling = 0.9, 5.0

    w = float(shrunk(torch.tensor([v], dtype=torch.float64), coupling, 2 / 3))

    # w^(1/3) (w - v) = -2 / (3 β), cubed.
    assert w * (w - v) ** 3 == pytest.approx(-8 / (27 * coupling**3), rel=1e-9)


def test_default_couplings_are_those_of_the_paper() -> None:
    settings = HyperLaplacianSettings()
    expected = [1, 2.828427, 8, 22.627417, 64, 181.019336]

    assert settings.couplings() == pytest.approx(expected)


def test_one_round_solves_its_linear_system() -> None:
    blurred = noisy(blocks(18, 26), 0.02)[:, 1:, :15, 3:22].contiguous()
    settings = HyperLaplacianSettings(first_coupling=50.0, last_coupling=50.0, fidelity=500.0)
    start = wiener(blurred, COMMA, weight=torch.ones_like(blurred), settings=WienerSettings(prior="gradient"))

    restored = hyper_laplacian(blurred, COMMA, weight=full(blurred), settings=settings)

    def gradient(image: Tensor, dim: int) -> Tensor:
        return torch.cat([image, image.narrow(dim, 0, 1)], dim=dim).diff(dim=dim)

    copies = {dim: shrunk(gradient(start, dim), 50.0, 2 / 3) for dim in (-1, -2)}
    blur = Blur(COMMA, (15, 19))
    variable = restored.clone().requires_grad_()
    cost = 250 * (blur(variable) - blurred).square().sum()
    for dim, copy in copies.items():
        cost = cost + 25 * (gradient(variable, dim) - copy).square().sum()
    cost.backward()

    assert variable.grad is not None
    assert variable.grad.abs().max() < 1e-9


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
    restored = hyper_laplacian(blurred, COMMA, weight=full(blurred), settings=HyperLaplacianSettings(fidelity=500.0))

    error = (restored - sharp).square().mean()
    assert error < 0.7 * min((image - sharp).square().mean() for image in quadratic)


def test_great_fidelity_inverts_a_clean_blur() -> None:
    sharp = blocks(18, 26)

    restored = hyper_laplacian(
        noisy(sharp, 0), COMMA, weight=full(sharp), settings=HyperLaplacianSettings(fidelity=1e9)
    )

    torch.testing.assert_close(restored, sharp, atol=1e-3, rtol=0)


def test_ignored_pixels_are_refilled() -> None:
    sharp = blocks(18, 26)
    blurred = noisy(sharp, 0.005)
    weight = full(blurred)
    weight[..., 8, 12] = 0
    spoilt = torch.where(weight > 0, blurred, torch.zeros_like(blurred))

    heeding = hyper_laplacian(spoilt, COMMA, weight=weight, settings=HyperLaplacianSettings())
    blind = hyper_laplacian(spoilt, COMMA, weight=full(blurred), settings=HyperLaplacianSettings())

    assert (heeding - sharp).square().mean() < 0.3 * (blind - sharp).square().mean()


def test_planes_do_not_touch_each_other() -> None:
    blurred = noisy(blocks(18, 26), 0.02)

    together = hyper_laplacian(blurred, COMMA, weight=full(blurred), settings=HyperLaplacianSettings())
    alone = hyper_laplacian(blurred[:, 1:], COMMA, weight=full(blurred), settings=HyperLaplacianSettings())

    torch.testing.assert_close(together[:, 1:], alone, atol=1e-12, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_flat_pictures_stay_flat_and_finite(dtype: torch.dtype, level: float, trust: float) -> None:
    flat = torch.full((2, 1, 10, 12), level, dtype=dtype)

    restored = hyper_laplacian(flat, COMMA.to(dtype), weight=trust * full(flat), settings=HyperLaplacianSettings())

    assert restored.dtype == dtype
    torch.testing.assert_close(restored, flat, atol=1e-5, rtol=0)


def test_reports_each_round() -> None:
    shares: list[float] = []
    blurred = blocks(18, 26)

    hyper_laplacian(blurred, COMMA, weight=full(blurred), settings=HyperLaplacianSettings(), report=shares.append)

    assert shares == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fidelity", 0.0),
        ("exponent", 1.5),
        ("exponent", 0.0),
        ("first_coupling", 0.0),
        ("last_coupling", 0.5),
        ("last_coupling", float("inf")),
        ("growth", 1.0),
    ],
)
def test_settings_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        HyperLaplacianSettings(**{name: value})
