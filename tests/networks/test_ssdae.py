import pytest
import torch

from unblur.errors import ConfigError
from unblur.networks.ssdae import SSDAE, divergence, half_square


def small() -> SSDAE:
    network = SSDAE(side=5, width=7, depth=2, stride=2).double()
    network.start(torch.Generator().manual_seed(1))
    return network


def patches(count: int, seed: int) -> torch.Tensor:
    return torch.rand(count, 25, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_picture_is_the_average_of_its_restored_patches() -> None:
    network = small()
    picture = torch.rand(1, 2, 19, 24, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    total, counts = torch.zeros(2, 19, 24, dtype=torch.float64), torch.zeros(19, 24)
    for top in range(0, 15, 2):
        for left in range(0, 20, 2):
            patch = picture[0, :, top : top + 5, left : left + 5].reshape(2, 25)
            total[:, top : top + 5, left : left + 5] += network.restored(patch).reshape(2, 5, 5)
            counts[top : top + 5, left : left + 5] += 1

    restored = network(picture)

    margin = network.margin
    inside = (slice(margin, 19 - margin), slice(margin, 24 - margin))
    torch.testing.assert_close(restored[0], (total / counts)[:, inside[0], inside[1]])
    assert counts[inside].min() >= 4  # nothing there was left to fewer patches than the stride allows


def test_patches_go_up_through_the_encoders_and_down_through_the_decoders() -> None:
    network, x = small(), patches(4, 3)

    layers = [network.encoders[0], network.encoders[1], network.decoders[1], network.decoders[0]]
    expected = x
    for layer in layers:
        expected = torch.sigmoid(expected @ layer.get_parameter("weight").T + layer.get_parameter("bias"))

    torch.testing.assert_close(network.restored(x), expected)


def test_a_layer_learns_from_what_those_below_make_of_both_pictures() -> None:
    network, blurred, sharp = small(), patches(6, 3), patches(6, 4)

    loss = network.layer_loss(1, blurred, sharp, sparsity=0.3, target=0.1)
    loss.backward()

    below, wanted = network.encoded(blurred, 1), network.encoded(sharp, 1)
    active = network.encoded(blurred, 2)
    decoder = network.decoders[1]
    decoded = torch.sigmoid(active @ decoder.get_parameter("weight").T + decoder.get_parameter("bias"))
    bernoulli = torch.distributions.Bernoulli
    target = bernoulli(torch.tensor(0.1, dtype=torch.float64))
    spread = torch.distributions.kl_divergence(target, bernoulli(active.mean(0))).sum()
    assert below.shape == (6, 7)
    torch.testing.assert_close(loss, 0.5 * (decoded - wanted).square().sum() / 6 + 0.3 * spread)
    assert network.encoders[0].weight.grad is None


def test_divergence_is_zero_at_the_target_and_half_square_counts_a_patch() -> None:
    assert float(divergence(torch.full((3,), 0.05), 0.05)) == pytest.approx(0, abs=1e-6)
    assert float(half_square(torch.zeros(2, 4), torch.ones(2, 4))) == pytest.approx(2)


@pytest.mark.parametrize("sizes", [{"side": 4}, {"width": 0}, {"depth": 0}, {"stride": 18}])
def test_impossible_sizes_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        SSDAE(**sizes)
