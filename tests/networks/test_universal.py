import pytest
import torch
from torch import Tensor

from tests.conftest import make_chart
from unblur.degrade.blur import valid_blur, valid_frame
from unblur.errors import ConfigError, ImageError, PsfError
from unblur.fourier import Blur, gradient_power
from unblur.metrics import psnr
from unblur.networks.bank import Bank
from unblur.networks.universal import PRESETS, Sizes, Universal, sizes_of
from unblur.tensors import Image, Psf

SMALL = {"width": 8, "middle": 8, "deep": 8}


def small(**sizes: int) -> Universal:
    network = Universal(sizes_of({**SMALL, **sizes}))
    network.start(torch.Generator().manual_seed(3))
    return network.requires_grad_(False)


def stirred(**sizes: int) -> Universal:
    """A network whose U-Nets answer something."""
    network = small(**sizes)
    generator = torch.Generator().manual_seed(4)
    for name, parameter in network.named_parameters():
        if name.endswith("last.weight"):
            parameter.copy_(0.002 * torch.randn(parameter.shape, generator=generator))
    return network


def bright(height: int, width: int) -> Image:
    colours = torch.tensor([1.0, 0.8, 0.6]).reshape(1, 3, 1, 1)
    return make_chart(height, width) * colours


@pytest.mark.parametrize(
    "variant", [{"steps": 1}, {"steps": 3}, {"steps": 2, "features": 3}, {"shared": 1}, {"sparse": 1}]
)
def test_a_point_as_psf_gives_the_picture_back(variant: dict[str, int]) -> None:
    picture = bright(45, 58)

    restored = small(**variant)(picture, torch.ones(1, 1))

    assert float(psnr(restored, picture)[0]) > 45


@torch.no_grad()
def test_what_nothing_blurred_stays_as_it_is(comma: Psf) -> None:
    network, picture = stirred(sparse=1), bright(45, 58)
    point = torch.zeros_like(comma)
    point[tuple(side // 2 for side in point.shape)] = 1
    weight = torch.ones(1, 1, 45, 58)
    weight[..., 20:23, 30:34] = 0

    assert torch.equal(network(picture, torch.ones(1, 1)), picture)
    both = network(torch.cat([picture, picture]), torch.stack([point, comma]))
    assert torch.equal(both[:1], picture)
    assert torch.equal(both[1:], network(picture, comma))
    assert not torch.equal(network(picture, point.roll(1, 0)), picture)
    partly = network(torch.where(weight > 0, picture, 9.0), point, weight=weight)
    assert torch.equal(torch.where(weight > 0, partly, picture), picture)
    assert float(partly.max()) <= float(picture.max())


@pytest.mark.parametrize("steps", [1, 3])
def test_the_start_sharpens_what_a_lopsided_psf_blurred(comma: Psf, steps: int) -> None:
    picture = bright(50, 66)
    blurred, sharp = valid_blur(picture, comma), valid_frame(picture, comma)

    restored = small(steps=steps)(blurred, comma)

    assert float(psnr(restored, sharp)[0]) > float(psnr(blurred, sharp)[0]) + 4


def test_a_bank_holds_the_closed_form_of_each_inverse(comma: Psf) -> None:
    size = (32, 40)
    picture = make_chart(*size).double()
    blur = Blur(comma.double(), size)
    bank = Bank(3, 2).double().requires_grad_(False)
    bank.filters[:, 2, 2] = 1

    found = bank(torch.fft.rfft2(blur(picture)), blur.otf[None, None], torch.zeros(1, 3).double(), size)

    power = blur.otf.abs().square()
    for number, r in enumerate([1e-4, 10**-2.5, 1e-1, 1e-2, 1e-2]):
        response = power / (power + r * gradient_power(size, picture))
        torch.testing.assert_close(found[:, :, number], blur.filter(picture, response), atol=1e-6, rtol=0)


def test_clipped_light_is_filled_in_by_the_later_steps(comma: Psf) -> None:
    scene = make_chart(48, 60) * 0.5
    scene[..., 20:23, 30:33] = 3.0
    photograph = valid_blur(scene, comma).clamp(0, 1)
    network = small(steps=2)
    network.choice[1] = torch.tensor([0.0, 0, 12, 0, 0])  # the second step inverts again

    first, second = network.estimates(photograph, comma)

    beside = (slice(None), slice(None), slice(14, 28), slice(24, 38))
    truth = valid_frame(scene, comma)
    lamp = truth >= 1
    assert float(second[lamp].mean()) > float(first[lamp].mean())
    assert float((second - truth)[beside].abs().mean()) < float((first - truth)[beside].abs().mean())


def test_grey_is_three_equal_planes(comma: Psf) -> None:
    picture = 0.5 * make_chart(40, 52)  # no plane passes white, where the light scale bends
    network = stirred(steps=1)

    grey = network(picture, comma)
    colour = network(picture.expand(-1, 3, -1, -1), comma)

    torch.testing.assert_close(grey, colour.mean(dim=1, keepdim=True), atol=1e-5, rtol=0)
    assert not torch.equal(grey, small(steps=1)(picture, comma))


def test_a_batch_of_psfs_equals_one_after_the_other(comma: Psf) -> None:
    pictures = torch.cat([bright(37, 50), bright(37, 50).flip(-1)])
    other = comma.flip(0)
    network = stirred(steps=2)

    together = network(pictures, torch.stack([comma, other]))

    torch.testing.assert_close(together[:1], network(pictures[:1], comma), atol=1e-5, rtol=0)
    torch.testing.assert_close(together[1:], network(pictures[1:], other), atol=1e-5, rtol=0)


def test_what_the_weight_ignores_does_not_matter(comma: Psf) -> None:
    picture = bright(40, 50)
    weight = torch.ones(1, 1, 40, 50)
    weight[..., 12:18, 20:27] = 0
    spoilt = torch.where(weight > 0, picture, 0.9)
    network = stirred(steps=2)

    torch.testing.assert_close(
        network(picture, comma, weight=weight), network(spoilt, comma, weight=weight), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 3, 2, 9), (2, 1, 5, 31)])
def test_any_size_works_also_with_a_psf_that_is_larger(shape: tuple[int, ...]) -> None:
    psf = torch.rand(21, 11, generator=torch.Generator().manual_seed(1))

    restored = stirred(steps=2)(torch.full(shape, 0.5), psf / psf.sum())

    assert restored.shape == shape
    assert bool(restored.isfinite().all())


def test_double_precision_stays_double(comma: Psf) -> None:
    assert stirred(steps=2).double()(bright(20, 30).double(), comma).dtype == torch.float64


def test_gradients_reach_every_parameter(comma: Psf) -> None:
    network = stirred(steps=2, features=2).requires_grad_(True)
    scene = bright(32, 40) * 1.4

    network(valid_blur(scene, comma).clamp(0, 1), comma).square().mean().backward()

    dead = [name for name, p in network.named_parameters() if p.grad is None or not bool(p.grad.isfinite().all())]
    assert not dead


def test_presets_keep_to_their_cost() -> None:
    plain, large = (Universal(sizes_of(PRESETS[name])) for name in ("universal", "universal-large"))

    assert plain.multiply_adds <= 200_000
    assert 1_000_000 < large.multiply_adds < 1_600_000
    both: list[Tensor] = [*plain.parameters(), *large.parameters()]
    assert 2 * sum(p.numel() for p in both) < 12e6  # float16


def test_what_cannot_be_is_refused(comma: Psf) -> None:
    network = small(steps=1)

    with pytest.raises(ImageError, match="2 planes"):
        network(torch.zeros(1, 2, 8, 8), comma)
    with pytest.raises(PsfError, match=r"\(3, 3, 3\)"):
        network(torch.zeros(2, 1, 8, 8), comma.expand(3, -1, -1))
    with pytest.raises(ConfigError, match="widht"):
        sizes_of({"widht": 3})
    with pytest.raises(ConfigError, match=r"sizes\.steps is 0"):
        Sizes(steps=0)
