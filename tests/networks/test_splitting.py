import itertools
import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects

from tests.conftest import make_chart
from unblur.degrade.blur import valid_blur, valid_frame
from unblur.degrade.camera import Camera
from unblur.fourier import gradient_power
from unblur.metrics import psnr
from unblur.networks.facts import Facts, facts_of
from unblur.networks.light import LEVELS
from unblur.networks.rounds import PHASES, WIDEST, Phase, SparseRounds, damped, passing_of, shrunk
from unblur.networks.splitting import sparse_estimates
from unblur.networks.universal import Universal, sizes_of
from unblur.psf.parametric import disk
from unblur.solvers.wiener import WienerSettings, wiener
from unblur.tensors import Image, Psf

SMALL = {"width": 8, "middle": 8, "deep": 8}


def rounds(stirred: float = 0.0) -> SparseRounds:
    """As they begin, or with every parameter moved a little, so that all of them say something."""
    network, generator = SparseRounds(4), torch.Generator().manual_seed(7)
    for parameter in network.requires_grad_(False).parameters():
        parameter.add_(stirred * torch.randn(parameter.shape, generator=generator))
    return network


def inside(estimate: torch.Tensor, facts: Facts) -> torch.Tensor:
    return estimate[..., facts.inside[0], facts.inside[1]]


def test_shrinking_takes_small_values_out_and_leaves_large_ones() -> None:
    values = torch.tensor([-8.0, -1.0, -0.999, 0.0, 0.5, 1.0, 2.0, 100.0])

    kept = shrunk(values, torch.tensor(1.0))

    assert kept[1:6].tolist() == [0.0] * 5
    torch.testing.assert_close(kept[[0, 6, 7]], torch.tensor([-8 + 8**-0.5, 2 - 2**-0.5, 99.9]), atol=1e-5, rtol=0)


def test_both_estimates_are_better_than_wiener_on_a_noisy_photograph_of_flat_areas() -> None:
    psf = disk(3.0)
    scene = make_chart(90, 110)
    blurred, sharp = Camera(noise=0.01).photograph(scene, psf, torch.Generator().manual_seed(2))
    facts = facts_of(blurred, psf, None, None)

    usual = wiener(facts.picture, psf, weight=facts.trust, settings=WienerSettings(prior="gradient"))
    found = sparse_estimates(facts, rounds())

    assert len(found) == len(PHASES)
    for estimate in found:
        assert float(psnr(inside(estimate, facts), sharp)[0]) > float(psnr(inside(usual, facts), sharp)[0]) + 1


@pytest.mark.parametrize("planes", [1, 3])
def test_a_lopsided_psf_moves_nothing_in_photographs_of_any_colour(planes: int, comma: Psf) -> None:
    colours = torch.tensor([1.0, 0.7, 0.4])[:planes].reshape(1, planes, 1, 1)
    scene: Image = make_chart(50, 66) * colours
    blurred, sharp = valid_blur(scene, comma), valid_frame(scene, comma)
    facts = facts_of(blurred, comma, None, None)

    for estimate in sparse_estimates(facts, rounds()):
        assert estimate.shape == facts.picture.shape
        assert float(psnr(inside(estimate, facts), sharp)[0]) > float(psnr(blurred, sharp)[0]) + 6


def test_several_psfs_and_noises_in_a_batch_are_as_each_alone(comma: Psf) -> None:
    psfs = torch.stack([comma, comma.flip(0)])
    blurred = torch.cat([make_chart(40, 50), 0.5 * make_chart(40, 50).flip(-1)])
    noise = torch.tensor([[0.0, 0.1, 0.0], [1.0, 0.5, 0.7]])

    learned = rounds(stirred=0.02)
    together = sparse_estimates(facts_of(blurred, psfs, None, noise), learned)

    for number in range(2):
        facts = facts_of(blurred[number : number + 1], psfs[number], None, noise[number : number + 1])
        alone = sparse_estimates(facts, learned)
        for one, both in zip(alone, together, strict=True):
            torch.testing.assert_close(both[number], one[0], atol=1e-5, rtol=0)


def test_clipped_light_is_estimated_beyond_white() -> None:
    psf = disk(2.0)
    scene = 0.3 * torch.ones(1, 1, 60, 70)
    scene[..., 25:30, 30:36] = 4.0
    facts = facts_of(valid_blur(scene, psf).clamp_max(1), psf, None, torch.zeros(1, LEVELS))

    for estimate in sparse_estimates(facts, rounds()):
        assert float(estimate.max()) > 1.5


def test_an_untrained_network_is_about_the_sparse_estimates(comma: Psf) -> None:
    network = Universal(sizes_of({**SMALL, "sparse": 1, "steps": 2})).requires_grad_(False)
    network.start(torch.Generator().manual_seed(3))
    blurred = valid_blur(make_chart(50, 66), comma)
    facts = facts_of(blurred, comma, None, None)

    restored = network(blurred, comma)

    assert network.rounds is not None
    last = sparse_estimates(facts, network.rounds)[-1]
    assert float(psnr(restored, inside(last, facts).clamp(0, 1))[0]) > 30


@torch.no_grad()
def test_untrained_rounds_split_with_the_numbers_of_their_phases(comma: Psf) -> None:
    facts = facts_of(valid_blur(make_chart(50, 66), comma), comma, None, None)

    strengths = rounds().strengths(facts.levels, comma)

    def expected(phase: Phase, coupling: float) -> float:
        return coupling / phase.fidelity * math.exp(1.2 * float(facts.levels[0, 1]))

    ties = [expected(phase, coupling) for phase in PHASES for coupling in phase.couplings]
    torch.testing.assert_close(strengths.tie[0], torch.tensor(ties), atol=0, rtol=1e-5)
    assert strengths.second[0, 0] == pytest.approx(PHASES[0].second)


def test_shrinking_has_the_gradients_that_its_values_say() -> None:
    values = torch.linspace(-2, 2, 24, dtype=torch.float64).reshape(2, 3, 4).requires_grad_()
    threshold = torch.tensor([0.3, 0.9], dtype=torch.float64)[:, None, None].requires_grad_()

    assert torch.autograd.gradcheck(shrunk, (values, threshold))


@torch.no_grad()
@pytest.mark.parametrize("size", [(40, 52), (41, 52), (40, 53), (41, 53)])
def test_a_guide_is_the_same_whole_and_in_blocks_of_any_rows(size: tuple[int, int]) -> None:
    learned, estimate = rounds(stirred=0.1).double(), torch.rand(1, *size, generator=torch.Generator().manual_seed(1))
    strengths = learned.strengths(torch.zeros(1, LEVELS).double(), disk(3).double(), (3, 2))
    estimate = estimate.double()

    whole = learned.guide(4, estimate, strengths)
    cuts = [0, 1, 8, 13, 30, size[0]]
    parts = [learned.guide(4, estimate, strengths, slice(a, b)) for a, b in itertools.pairwise(cuts)]

    assert whole.shape == estimate.shape
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-12, rtol=0)


def test_under_psfs_wider_than_the_training_corrections_do_not_decide_alone_what_is_coarse() -> None:
    power, tie = gradient_power((1, 256), torch.zeros(()))[0], torch.tensor(0.2)

    unseen, seen = (damped(passing + tie * power, tie) for passing in (0.0, 1.0))

    assert float(unseen[0]) == 0
    torch.testing.assert_close(unseen[7], torch.tensor(0.5), atol=0.02, rtol=0)  # a wave of 36 pixels
    assert float(unseen[64]) > 0.98
    assert float(seen.min()) > 0.98


@torch.no_grad()
def test_only_psfs_wider_than_the_training_are_damped() -> None:
    levels = torch.zeros(1, LEVELS)

    assert not rounds().strengths(levels, torch.ones(1, WIDEST) / WIDEST).wide
    assert rounds().strengths(levels, torch.ones(1, WIDEST + 2) / (WIDEST + 2)).wide


@torch.no_grad()
def test_a_guide_moves_with_the_photograph() -> None:
    learned, estimate = rounds(stirred=0.1).double(), torch.rand(1, 40, 52, generator=torch.Generator().manual_seed(1))
    estimate, facts = estimate.double(), (torch.zeros(1, LEVELS).double(), disk(3).double())

    there = learned.guide(4, estimate.roll((3, 5), (1, 2)), learned.strengths(*facts, (3, 5)))

    here = learned.guide(4, estimate, learned.strengths(*facts, (0, 0)))
    torch.testing.assert_close(there.roll((-3, -5), (1, 2)), here, atol=1e-12, rtol=0)


def test_what_a_psf_lets_pass_does_not_depend_on_where_it_lies_or_how_it_is_turned(comma: Psf) -> None:
    framed = F.pad(comma, (6, 0, 2, 8))

    torch.testing.assert_close(passing_of(framed), passing_of(comma), atol=1e-4, rtol=0)
    torch.testing.assert_close(passing_of(comma.flip(0, 1)), passing_of(comma), atol=1e-4, rtol=0)
    # A point lets everything pass: ln(1) = 0.
    torch.testing.assert_close(passing_of(torch.ones(1, 1)), torch.full((1, 6), 4 / 3), atol=1e-4, rtol=0)
    assert float(passing_of(disk(7))[0, 3]) < float(passing_of(disk(2))[0, 3])
