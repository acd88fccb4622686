"""A network for each kind of noise: who gets a share of what, and that their rounds are mixed and their rest chosen."""

import pytest
import torch

from tests.conftest import make_chart
from unblur.degrade.blur import valid_blur
from unblur.degrade.camera import Camera
from unblur.networks.facts import facts_of
from unblur.networks.kinds import KINDS, UniversalByNoise, kind_shares
from unblur.networks.light import noise_levels, weakened
from unblur.networks.splitting import sparse_estimates
from unblur.networks.universal import Universal, sizes_of
from unblur.psf.parametric import disk
from unblur.tensors import Psf

SIZES = {"steps": 1, "members": 2, "sparse": 1, "guide": 4, "kinds": 1, "width": 8, "middle": 8, "deep": 8}


def stirred() -> UniversalByNoise:
    """Networks that differ from one another everywhere."""
    network, generator = UniversalByNoise(sizes_of(SIZES)), torch.Generator().manual_seed(7)
    for parameter in network.requires_grad_(False).parameters():
        parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return network


def of_kind(network: UniversalByNoise, kind: str) -> Universal:
    return network.networks()[KINDS.index(kind)]


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


@pytest.mark.parametrize(
    ("levels", "kind"),
    [((0.0, 2.0, 0.0), "usual"), ((0.0, 0.1, 0.0), "white"), ((0.0, 1.0, 1.2), "jpeg")],
)
def test_a_pure_kind_has_its_own_network(levels: tuple[float, ...], kind: str, comma: Psf) -> None:
    network, told = stirred(), torch.tensor([levels])
    blurred = valid_blur(make_chart(40, 52), comma)

    restored = network(blurred, comma, noise=told)

    torch.testing.assert_close(restored, of_kind(network, kind)(blurred, comma, noise=told), atol=1e-5, rtol=0)
    others = [one(blurred, comma, noise=told) for one in network.networks() if one is not of_kind(network, kind)]
    assert all(float((restored - other).abs().max()) > 0.01 for other in others)


def test_between_two_kinds_the_rounds_are_mixed_and_the_rest_is_of_one(comma: Psf) -> None:
    network, told = stirred(), torch.tensor([[0.0, 0.18, 0.0]])  # 0.6 white
    blurred = valid_blur(make_chart(40, 52), comma)
    mixed = of_kind(network, "white")
    for name, parameter in mixed.rounds.named_parameters():  # type: ignore[union-attr]
        usual = of_kind(network, "usual").rounds.get_parameter(name)  # type: ignore[union-attr]
        parameter.mul_(0.6).add_(usual, alpha=0.4)

    restored = stirred()(blurred, comma, noise=told)

    torch.testing.assert_close(restored, mixed(blurred, comma, noise=told), atol=1e-4, rtol=0)


@pytest.mark.parametrize("learning", [False, True])
def test_photographs_of_a_batch_are_of_a_kind_each_by_itself(comma: Psf, *, learning: bool) -> None:
    network = stirred().requires_grad_(learning)
    blurred = valid_blur(torch.cat([make_chart(40, 52), make_chart(40, 52).flip(-1)]), comma)
    levels = torch.tensor([[0.0, 0.2, 0.05], [1.0, 1.2, 0.3]])
    psfs, weight = torch.stack([comma, comma.flip(0)]), torch.ones_like(blurred)
    weight[:, :, 10:14, 20:25] = 0

    together = network(blurred, psfs, noise=levels, weight=weight)

    assert together.requires_grad == learning
    for number in range(2):
        one = slice(number, number + 1)
        alone = network(blurred[one], psfs[number], noise=levels[one], weight=weight[one])
        torch.testing.assert_close(together[one], alone, atol=1e-5, rtol=0)


def test_a_batch_that_is_learned_from_keeps_its_order(comma: Psf) -> None:
    network = stirred()
    blurred = valid_blur(torch.cat([make_chart(40, 52).roll(n, dims=3) for n in range(4)]), comma)
    levels = torch.tensor(
        [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.2, 0.2, 0.0]]
    )  # JPEG, white, grain, white

    together = network.estimates(blurred, comma, noise=levels)[-1]

    for number in range(4):
        one = slice(number, number + 1)
        alone = network.estimates(blurred[one], comma, noise=levels[one])[-1]
        torch.testing.assert_close(together[one], alone, atol=1e-4, rtol=0)


def test_gradients_reach_the_rounds_that_have_a_share(comma: Psf) -> None:
    network = stirred().requires_grad_(True)
    blurred = valid_blur(make_chart(40, 52), comma).detach()
    facts = facts_of(blurred, comma, None, torch.tensor([[0.0, 0.2, 0.0]]))  # half usual, half white

    network.sparse(facts)[-1].square().sum().backward()

    def reached(kind: str) -> bool:
        learned = of_kind(network, kind).rounds.parameters()  # type: ignore[union-attr]
        return all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in learned)

    assert reached("usual")
    assert reached("white")
    assert not reached("jpeg")


def test_without_a_share_rounds_are_as_they_are_of_one_kind(comma: Psf) -> None:
    network = stirred()
    facts = facts_of(valid_blur(make_chart(40, 52), comma), comma, None, torch.tensor([[0.0, 0.1, 0.0]]))

    own = sparse_estimates(facts, of_kind(network, "white").rounds)  # type: ignore[arg-type]

    for one, other in zip(network.sparse(facts), own, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def test_all_start_alike() -> None:
    network = UniversalByNoise(sizes_of(SIZES))
    network.start(torch.Generator().manual_seed(5))

    first, *others = (one.state_dict() for one in network.networks())
    for other in others:
        assert all(torch.equal(first[name], other[name]) for name in first)
