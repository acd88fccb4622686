"""The shortlist chooses as the densities of all components do."""

import pytest
import torch
from torch import Tensor

from unblur.solvers.epll import PatchPrior
from unblur.solvers.epll_judge import Judge
from unblur.weights import shipped

VARIANCES = [1 / 50, 1 / 400, 1 / 3200]  # of the authors' first, fourth and last round


@pytest.fixture(scope="module")
def prior() -> PatchPrior:
    return PatchPrior.from_tensors(shipped("epll").tensors)


def judge_of(prior: PatchPrior, variance: float, like: Tensor, *, products: int = 384) -> Judge:
    return Judge(prior.shares, *prior.spectra, variance, like, products=products)


def noisy_patches(prior: PatchPrior, variance: float, count: int) -> Tensor:
    """Drawn from the mixture and its noise, without their means."""
    generator = torch.Generator().manual_seed(7)
    components = torch.multinomial(prior.shares, count, replacement=True, generator=generator)
    values, vectors = prior.spectra
    drawn = torch.randn(count, values.shape[-1], generator=generator, dtype=torch.float64)
    patches = drawn * values[components].sqrt()
    for component in components.unique():
        patches[components == component] = patches[components == component] @ vectors[component].T
    patches += variance**0.5 * torch.randn(drawn.shape, generator=generator, dtype=torch.float64)
    return (patches - patches.mean(1, keepdim=True)).float()


def fully_judged(judge: Judge, patches: Tensor) -> Tensor:
    return torch.stack([judge.score(k, patches) for k in range(len(judge.levels))]).argmax(0)


@pytest.mark.parametrize("variance", VARIANCES)
def test_the_shortlist_agrees_with_the_judgement_of_all_components(prior: PatchPrior, variance: float) -> None:
    patches = noisy_patches(prior, variance, 4000)
    judge = judge_of(prior, variance, patches)

    chosen, expected = judge(patches), fully_judged(judge, patches)

    assert (chosen == expected).double().mean() > 0.999
    assert len(chosen.unique()) > 50


@pytest.mark.parametrize("variance", VARIANCES)
def test_where_the_shortlist_errs_the_other_component_is_nearly_as_likely(prior: PatchPrior, variance: float) -> None:
    patches = noisy_patches(prior, variance, 3000)
    judge = judge_of(prior, variance, patches)
    scores = torch.stack([judge.score(k, patches) for k in range(200)])

    lost = scores.amax(0) - scores.gather(0, judge(patches)[None]).squeeze(0)

    assert lost.max() < 5  # in nats; scores of one patch lie hundreds apart
    assert lost.mean() < 1e-3


def test_with_a_poor_estimate_the_densities_still_decide(prior: PatchPrior) -> None:
    patches = noisy_patches(prior, 1 / 400, 2000)
    judge = judge_of(prior, 1 / 400, patches, products=100)
    estimate, _ = judge._estimated(patches)
    expected = fully_judged(judge, patches)

    assert (estimate.argmax(0) == expected).double().mean() < 0.95
    assert (judge(patches) == expected).double().mean() > 0.99


def test_the_estimate_of_all_products_is_the_density(prior: PatchPrior) -> None:
    patches = noisy_patches(prior, 1 / 400, 50).double()
    judge = judge_of(prior, 1 / 400, patches, products=2016)
    estimate, doubt = judge._estimated(patches)

    scores = torch.stack([judge.score(k, patches) for k in range(200)])

    common = scores[:1] - estimate[:1]  # the estimate leaves out what all components have in common
    torch.testing.assert_close(estimate + common, scores, atol=1e-8, rtol=0)
    assert not doubt.any()


def test_flat_patches_and_no_patches_are_judged(prior: PatchPrior) -> None:
    flat = torch.zeros(3, 64)
    judge = judge_of(prior, 1 / 400, flat)

    assert judge(flat).tolist() == [int(judge.levels.argmax())] * 3
    assert judge(flat[:0]).shape == (0,)


def test_how_many_patches_are_judged_together_changes_no_choice(
    prior: PatchPrior, monkeypatch: pytest.MonkeyPatch
) -> None:
    patches = noisy_patches(prior, 1 / 400, 1000).double()
    judge = judge_of(prior, 1 / 400, patches)
    together = judge(patches)

    monkeypatch.setattr("unblur.solvers.epll_judge._BLOCK", 300)
    monkeypatch.setattr("unblur.solvers.epll_judge._CHUNK", 70)

    assert torch.equal(judge(patches), together)
