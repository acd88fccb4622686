import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.conftest import make_chart
from tests.train.tiny import pictures
from unblur.errors import ConfigError
from unblur.solvers.epll import PatchPrior
from unblur.train.data import Photos
from unblur.train.gmm import PriorProgress, PriorRecipe, em_round, first_prior, sampled_patches, train_prior
from unblur.weights import read_weights

CPU = torch.device("cpu")
TINY = PriorRecipe(components=3, side=3, patches=2000, rounds=4)


def without_mean(patches: Tensor) -> Tensor:
    return patches - patches.mean(1, keepdim=True)


def test_the_likelihood_rises_in_every_round() -> None:
    photos = Photos(pictures(), CPU)
    patches = sampled_patches(photos, 3000, 3, torch.Generator().manual_seed(1)).double()
    prior, found = first_prior(patches, 4, 1e-9), []

    for _ in range(12):
        prior, likelihood = em_round(patches, prior, 1e-9)
        found.append(likelihood)

    assert all(later >= earlier for earlier, later in itertools.pairwise(found))
    assert found[-1] > found[0] + 1


def test_one_component_learns_the_covariance_and_its_likelihood_is_the_gaussian_one() -> None:
    mixing = torch.randn(9, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 0.1
    drawn = torch.randn(4000, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    patches = without_mean(drawn @ mixing)

    prior, _ = em_round(patches, first_prior(patches, 1, 1e-12), 1e-12)
    _, likelihood = em_round(patches, prior, 1e-12)

    expected = patches.T @ patches / 4009
    torch.testing.assert_close(prior.covariances[0], expected, atol=1e-9, rtol=0)
    basis = torch.linalg.qr(torch.cat([torch.ones(9, 1), torch.eye(9)[:, :8]], 1).double()).Q[:, 1:]
    gaussian = torch.distributions.MultivariateNormal(torch.zeros(8).double(), basis.T @ expected @ basis)
    assert likelihood == pytest.approx(float(gaussian.log_prob(patches @ basis).mean()), abs=1e-6)


def test_two_kinds_of_patches_are_told_apart() -> None:
    generator = torch.Generator().manual_seed(1)
    along = torch.tensor([1.0, 0, -1] * 3) * torch.randn(3000, 1, generator=generator)
    across = torch.tensor([1.0, 1, 1, 0, 0, 0, -1, -1, -1]) * 0.1 * torch.randn(1000, 1, generator=generator)
    noise = 0.01 * torch.randn(4000, 9, generator=generator)
    patches = without_mean(torch.cat([along, across]) + noise)[torch.randperm(4000, generator=generator)]
    prior = first_prior(patches, 2, 1e-6)

    for _ in range(40):
        prior, _ = em_round(patches, prior, 1e-6)

    assert sorted(prior.shares.tolist()) == pytest.approx([0.25, 0.75], abs=0.03)


def test_components_without_patches_stay_usable() -> None:
    patches = without_mean(torch.randn(50, 9, generator=torch.Generator().manual_seed(1)) * 0.1)
    far = PatchPrior(
        shares=torch.tensor([1 - 1e-12, 1e-12]).double(),
        covariances=torch.stack([0.01 * torch.eye(9), 1e-6 * torch.eye(9)]).double(),
    )

    prior, _ = em_round(patches, far, 1e-5)
    prior, likelihood = em_round(patches, prior, 1e-5)

    assert torch.linalg.eigvalsh(prior.covariances).min() > 1e-6
    assert likelihood == likelihood  # not NaN


def test_patches_come_from_the_photographs_without_their_means() -> None:
    steep = torch.linspace(0, 1, 40)[None, None, :, None].expand(1, 1, 40, 50)
    patches = sampled_patches(Photos([steep], CPU), 200, 3, torch.Generator().manual_seed(1))

    expected = torch.tensor([-1.0, -1, -1, 0, 0, 0, 1, 1, 1]) / 39
    assert patches.mean(1).abs().max() < 1e-6
    assert (patches - expected).abs().max() < 2 / 255  # rounding to 8 bits, dither


def test_training_resumes_where_it_stopped_and_ends_in_weights(tmp_path: Path) -> None:
    seen: list[PriorProgress] = []
    whole = train_prior(pictures(), tmp_path / "whole", recipe=TINY, device=CPU, watch=seen.append)

    train_prior(pictures(), tmp_path / "parts", recipe=TINY, device=CPU, seconds=1e-9)
    assert not (tmp_path / "parts" / "epll.safetensors").exists()
    parts = train_prior(pictures(), tmp_path / "parts", recipe=TINY, device=CPU)

    assert torch.equal(whole.covariances, parts.covariances)
    assert [progress.round for progress in seen] == [1, 2, 3, 4]
    weights = read_weights(tmp_path / "parts" / "epll.safetensors")
    assert weights.card.sizes == {"components": 3, "side": 3}
    torch.testing.assert_close(
        PatchPrior.from_tensors(weights.tensors).covariances, parts.covariances, atol=1e-5, rtol=5e-3
    )


def test_another_recipe_does_not_continue_a_run(tmp_path: Path) -> None:
    train_prior([make_chart(20, 30)], tmp_path, recipe=TINY, device=CPU, seconds=1e-9)

    with pytest.raises(ConfigError, match="was made by run"):
        train_prior([make_chart(20, 30)], tmp_path, recipe=PriorRecipe(components=2, side=3), device=CPU)


@pytest.mark.parametrize(
    ("name", "value"), [("components", 0), ("side", 1), ("patches", 10), ("rounds", 0), ("floor", 0.0)]
)
def test_recipes_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        PriorRecipe(**{name: value})  # type: ignore[arg-type]
