import pytest
import torch

from tests.conftest import make_chart
from unblur.degrade.blur import valid_blur, valid_frame
from unblur.degrade.camera import Camera
from unblur.metrics import psnr
from unblur.networks.facts import Facts, facts_of
from unblur.networks.splitting import PHASES, shrunk, sparse_estimates
from unblur.networks.universal import Universal, sizes_of
from unblur.psf.parametric import disk
from unblur.solvers.wiener import WienerSettings, wiener
from unblur.tensors import Image, Psf

SMALL = {"width": 8, "middle": 8, "deep": 8}


def inside(estimate: torch.Tensor, facts: Facts) -> torch.Tensor:
    return estimate[..., facts.inside[0], facts.inside[1]]


def test_shrinking_takes_small_values_out_and_leaves_large_ones() -> None:
    values = torch.tensor([-8.0, -1.0, -0.999, 0.0, 0.5, 1.0, 2.0, 100.0])

    kept = shrunk(values, 1.0)

    assert kept[1:6].tolist() == [0.0] * 5
    torch.testing.assert_close(kept[[0, 6, 7]], torch.tensor([-8 + 8**-0.5, 2 - 2**-0.5, 99.9]), atol=1e-5, rtol=0)


def test_both_estimates_are_better_than_wiener_on_a_noisy_photograph_of_flat_areas() -> None:
    psf = disk(3.0)
    scene = make_chart(90, 110)
    blurred, sharp = Camera(noise=0.01).photograph(scene, psf, torch.Generator().manual_seed(2))
    facts = facts_of(blurred, psf, None, None)

    usual = wiener(facts.picture, psf, weight=facts.trust, settings=WienerSettings(prior="gradient"))
    found = sparse_estimates(facts)

    assert len(found) == len(PHASES)
    for estimate in found:
        assert float(psnr(inside(estimate, facts), sharp)[0]) > float(psnr(inside(usual, facts), sharp)[0]) + 1


@pytest.mark.parametrize("planes", [1, 3])
def test_a_lopsided_psf_moves_nothing_in_photographs_of_any_colour(planes: int, comma: Psf) -> None:
    colours = torch.tensor([1.0, 0.7, 0.4])[:planes].reshape(1, planes, 1, 1)
    scene: Image = make_chart(50, 66) * colours
    blurred, sharp = valid_blur(scene, comma), valid_frame(scene, comma)
    facts = facts_of(blurred, comma, None, None)

    for estimate in sparse_estimates(facts):
        assert estimate.shape == facts.picture.shape
        assert float(psnr(inside(estimate, facts), sharp)[0]) > float(psnr(blurred, sharp)[0]) + 6


def test_several_psfs_and_noises_in_a_batch_are_as_each_alone(comma: Psf) -> None:
    psfs = torch.stack([comma, comma.flip(0)])
    blurred = torch.cat([make_chart(40, 50), 0.5 * make_chart(40, 50).flip(-1)])
    noise = torch.tensor([[0.0, 0.1], [1.0, 0.5]])

    together = sparse_estimates(facts_of(blurred, psfs, None, noise))

    for number in range(2):
        alone = sparse_estimates(facts_of(blurred[number : number + 1], psfs[number], None, noise[number : number + 1]))
        for one, both in zip(alone, together, strict=True):
            torch.testing.assert_close(both[number], one[0], atol=1e-5, rtol=0)


def test_clipped_light_is_estimated_beyond_white() -> None:
    psf = disk(2.0)
    scene = 0.3 * torch.ones(1, 1, 60, 70)
    scene[..., 25:30, 30:36] = 4.0
    facts = facts_of(valid_blur(scene, psf).clamp_max(1), psf, None, torch.zeros(1, 2))

    for estimate in sparse_estimates(facts):
        assert float(estimate.max()) > 1.5


def test_an_untrained_network_is_about_the_sparse_estimates(comma: Psf) -> None:
    network = Universal(sizes_of({**SMALL, "sparse": 1, "steps": 2})).requires_grad_(False)
    network.start(torch.Generator().manual_seed(3))
    blurred = valid_blur(make_chart(50, 66), comma)
    facts = facts_of(blurred, comma, None, None)

    restored = network(blurred, comma)

    mean = torch.stack(sparse_estimates(facts)).mean(dim=0)
    assert float(psnr(restored, inside(mean, facts).clamp(0, 1))[0]) > 30
