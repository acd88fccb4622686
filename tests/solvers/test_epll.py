import pytest
import torch
from torch import Tensor

from tests.conftest import make_chart
from unblur.errors import ConfigError, WeightsError
from unblur.fourier import Blur
from unblur.metrics import psnr
from unblur.solvers.epll import EpllSettings, PatchCleaner, PatchPrior, averaged, epll

COMMA = torch.tensor([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]], dtype=torch.float64) / 8


def random_prior(components: int, side: int) -> PatchPrior:
    generator = torch.Generator().manual_seed(3)
    roots = torch.randn(components, side**2, side**2, generator=generator, dtype=torch.float64)
    scales = torch.logspace(-3, -1, components, dtype=torch.float64)[:, None, None]
    shares = torch.arange(1, components + 1, dtype=torch.float64)
    return PatchPrior(shares=shares / shares.sum(), covariances=scales * roots @ roots.mT / side**2)


def smooth_prior(side: int) -> PatchPrior:
    """Two components with an exponential covariance, of low and of high contrast."""
    places = torch.cartesian_prod(torch.arange(side), torch.arange(side)).double()
    covariance = torch.exp(-torch.cdist(places, places) / 6) + 1e-6 * torch.eye(side**2)
    return PatchPrior(
        shares=torch.tensor([0.7, 0.3]).double(), covariances=torch.stack([1e-3 * covariance, 0.1 * covariance])
    )


def patches(count: int, size: int) -> Tensor:
    drawn = torch.randn(count, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 0.3
    return drawn * torch.logspace(-2, 0, count, dtype=torch.float64)[:, None]


def full(image: Tensor) -> Tensor:
    return image.new_ones(1, 1, *image.shape[-2:])


def test_judges_as_the_densities_of_the_noisy_components_do() -> None:
    prior, variance = random_prior(5, 3), 0.01
    z = patches(300, 9)
    z = z - z.mean(1, keepdim=True)
    # The eight dimensions without the mean, in an orthonormal basis.
    basis = torch.linalg.qr(torch.cat([torch.ones(9, 1), torch.eye(9)[:, :8]], 1).double()).Q[:, 1:]
    seen = basis.T @ prior.covariances @ basis + variance * torch.eye(8).double()
    densities = torch.stack(
        [torch.distributions.MultivariateNormal(torch.zeros(8).double(), c).log_prob(z @ basis) for c in seen], 1
    )

    chosen = PatchCleaner(prior, variance, z).judge(z)

    assert torch.equal(chosen, (densities + prior.shares.log()).argmax(1))
    assert len(chosen.unique()) >= 3


def test_one_component_cleans_as_its_wiener_filter_about_the_mean() -> None:
    prior, variance = random_prior(1, 3), 0.02
    z = patches(20, 9)
    remove = torch.eye(9).double() - 1 / 9
    covariance = remove @ prior.covariances[0] @ remove
    wiener = covariance @ torch.linalg.inv(covariance + variance * torch.eye(9).double())

    cleaned = PatchCleaner(prior, variance, z)(z)

    mean = z.mean(1, keepdim=True)
    torch.testing.assert_close(cleaned, (z - mean) @ wiener.T + mean, atol=1e-12, rtol=0)


def test_patches_go_back_to_where_they_were_taken() -> None:
    image = torch.rand(2, 2, 9, 13, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    cleaner = PatchCleaner(random_prior(4, 3), 0.05, image)
    expected = torch.zeros_like(image)
    for top in range(9):
        for left in range(13):
            window = image.roll((-top, -left), (-2, -1))[..., :3, :3].reshape(4, 9)
            here = torch.zeros_like(image)
            here[..., :3, :3] = cleaner(window).reshape(2, 2, 3, 3)
            expected += here.roll((top, left), (-2, -1)) / 9

    torch.testing.assert_close(averaged(image, 3, cleaner), expected, atol=1e-12, rtol=0)


def test_a_single_component_and_round_solve_a_quadratic_problem() -> None:
    blurred = torch.rand(1, 1, 12, 15, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    prior, noise, coupling = random_prior(1, 3), 0.1, 30.0
    settings = EpllSettings(noise=noise, first_coupling=coupling, rounds=1)

    restored = epll(blurred, COMMA, weight=full(blurred), prior=prior, settings=settings)

    # One component's Wiener filter is linear, so the average of the cleaned patches is the picture in another light;
    # what follows must solve the normal equations of 9 / (2 σ²) |k ⊗ x - y|² + 9 β/2 |x - average|².
    average = averaged(blurred, 3, PatchCleaner(prior, 1 / coupling, blurred))
    blur = Blur(COMMA, (12, 15))
    gradient = blur.adjoint(blur(restored) - blurred) / noise**2 + coupling * (restored - average)
    assert gradient.abs().max() < 1e-9


def test_restores_a_blurred_and_noisy_picture() -> None:
    sharp = make_chart(40, 56).double()
    drawn = torch.randn(sharp.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    blurred = Blur(COMMA, (40, 56))(sharp) + 0.01 * drawn

    restored = epll(blurred, COMMA, weight=full(blurred), prior=smooth_prior(6), settings=EpllSettings())

    assert float(psnr(restored, sharp)[0]) > float(psnr(blurred, sharp)[0]) + 6


def test_ignored_pixels_are_refilled() -> None:
    sound = Blur(COMMA, (24, 30))(make_chart(24, 30).double())
    weight = full(sound)
    weight[..., 8, 12] = 0
    spoilt = torch.where(weight > 0, sound, torch.zeros_like(sound))

    prior, settings = smooth_prior(4), EpllSettings()
    wanted = epll(sound, COMMA, weight=full(sound), prior=prior, settings=settings)
    heeding = epll(spoilt, COMMA, weight=weight, prior=prior, settings=settings)
    blind = epll(spoilt, COMMA, weight=full(sound), prior=prior, settings=settings)

    assert (heeding - wanted).square().mean() < 0.3 * (blind - wanted).square().mean()


def test_single_precision_and_pictures_smaller_than_a_patch_work() -> None:
    tiny = torch.rand(2, 3, 3, 4, generator=torch.Generator().manual_seed(1))
    point = torch.ones(1, 1)

    restored = epll(tiny, point, weight=full(tiny), prior=smooth_prior(8), settings=EpllSettings(rounds=2))

    assert restored.dtype == torch.float32
    assert restored.shape == tiny.shape
    assert restored.isfinite().all()


def test_stored_priors_come_back_nearly_as_they_were() -> None:
    prior = smooth_prior(4)

    stored = prior.tensors()
    again = PatchPrior.from_tensors(stored)

    assert stored["factors"].dtype == torch.float16
    assert stored["factors"].shape == (2, 16 * 17 // 2)
    torch.testing.assert_close(again.covariances, prior.covariances, atol=0, rtol=2e-3)
    torch.testing.assert_close(again.shares, prior.shares, atol=1e-7, rtol=0)
    assert again.side == 4


@pytest.mark.parametrize(
    "tensors", [{}, {"shares": torch.ones(2), "factors": torch.ones(2, 3)}, {"shares": torch.ones(2)}]
)
def test_what_is_no_prior_is_refused(tensors: dict[str, Tensor]) -> None:
    with pytest.raises(WeightsError, match="patch prior"):
        PatchPrior.from_tensors(tensors)


def test_reports_rising_shares_up_to_one() -> None:
    shares: list[float] = []
    blurred = make_chart(24, 30)

    settings = EpllSettings(rounds=2)
    epll(blurred, COMMA.float(), weight=full(blurred), prior=smooth_prior(4), settings=settings, report=shares.append)

    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


@pytest.mark.parametrize(("name", "value"), [("noise", 0.0), ("first_coupling", -1.0), ("growth", 1.0), ("rounds", 0)])
def test_settings_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        EpllSettings(**{name: value})  # type: ignore[arg-type]
