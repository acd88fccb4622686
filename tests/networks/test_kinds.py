"""Rounds for each kind of noise: who gets a share of what, and that a mixture is one set of rounds."""

import pytest
import torch

from tests.conftest import make_chart
from unblur.degrade.blur import valid_blur
from unblur.degrade.camera import Camera
from unblur.networks.facts import facts_of
from unblur.networks.kinds import KINDS, RoundsByNoise, kind_shares
from unblur.networks.light import noise_levels, weakened
from unblur.networks.splitting import sparse_estimates
from unblur.psf.parametric import disk
from unblur.tensors import Psf


def stirred() -> RoundsByNoise:
    """Sets that differ from one another everywhere."""
    rounds, generator = RoundsByNoise(4), torch.Generator().manual_seed(7)
    for parameter in rounds.requires_grad_(False).parameters():
        parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return rounds


@pytest.mark.parametrize(
    ("camera", "kind"),
    [
        (Camera(noise=0.01), "white"),
        (Camera(noise=0.02, grain=1.0), "usual"),
        (Camera(noise=0.01, jpeg=70), "jpeg"),
        (Camera(noise=0.02, grain=1.0, jpeg=70), "jpeg"),
    ],
)
def test_a_photograph_is_of_the_kind_of_its_noise(camera: Camera, kind: str) -> None:
    blurred, _ = camera.photograph(make_chart(160, 200), disk(3), torch.Generator().manual_seed(2))

    shares = kind_shares(noise_levels(blurred))[0]

    assert KINDS[int(shares.argmax())] == kind
    assert float(shares.max()) > 0.9
    # What a person sets as strength changes how much noise there is, not its kind.
    torch.testing.assert_close(kind_shares(weakened(noise_levels(blurred), 3.0))[0], shares)


def test_shares_are_a_partition_of_every_photograph() -> None:
    generator = torch.Generator().manual_seed(3)
    levels = torch.rand(5000, 3, generator=generator) * torch.tensor([6.0, 6.0, 2.0]) - torch.tensor([3.0, 3.0, 0.0])

    shares = kind_shares(levels)

    assert float(shares.min()) >= 0
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(5000))


@pytest.mark.parametrize(("levels", "kind"), [((0.0, 2.0, 0.0), 0), ((0.0, 0.1, 0.0), 1), ((0.0, 1.0, 1.2), 2)])
def test_a_pure_kind_has_its_own_set(levels: tuple[float, ...], kind: int, comma: Psf) -> None:
    rounds, told = stirred(), torch.tensor([levels])
    facts = facts_of(valid_blur(make_chart(40, 52), comma), comma, None, told)

    found = sparse_estimates(facts, rounds)

    own = sparse_estimates(facts, rounds.kinds[KINDS[kind]])  # type: ignore[arg-type]
    for one, other in zip(found, own, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def test_photographs_of_a_batch_are_mixed_each_by_itself(comma: Psf) -> None:
    rounds, blurred = stirred(), valid_blur(make_chart(40, 52), comma).repeat(2, 3, 1, 1)
    levels = torch.tensor([[0.0, 0.2, 0.05], [1.0, 1.2, 0.3]])

    together = sparse_estimates(facts_of(blurred, comma, None, levels), rounds)

    for number in range(2):
        alone = sparse_estimates(facts_of(blurred[:1], comma, None, levels[number : number + 1]), rounds)
        for one, both in zip(alone, together, strict=True):
            torch.testing.assert_close(both[number], one[0])


def test_gradients_reach_the_sets_that_have_a_share(comma: Psf) -> None:
    rounds = stirred().requires_grad_(True)
    blurred = valid_blur(make_chart(40, 52), comma).detach()
    facts = facts_of(blurred, comma, None, torch.tensor([[0.0, 0.2, 0.0]]))  # half usual, half white

    sparse_estimates(facts, rounds)[-1].square().sum().backward()

    def reached(kind: str) -> bool:
        return all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in rounds.kinds[kind].parameters())

    assert reached("usual")
    assert reached("white")
    assert not reached("jpeg")


def test_all_sets_start_alike() -> None:
    rounds = RoundsByNoise(4)
    rounds.start(torch.Generator().manual_seed(5))

    first, *others = (rounds.kinds[kind].state_dict() for kind in KINDS)
    for other in others:
        assert all(torch.equal(first[name], other[name]) for name in first)
