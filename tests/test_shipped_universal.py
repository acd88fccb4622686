"""The shipped universal network works with all its parts: none is dead weight."""

import torch

from tests.conftest import make_chart
from unblur.degrade.blur import valid_blur
from unblur.networks.universal import Universal, sizes_of
from unblur.psf.random import shake_seeded
from unblur.weights import load_into, shipped

SILENT = 0.002
"""A U-Net without which the result differs by less (root mean square, white = 1) decides nothing."""


def test_every_unet_has_a_say() -> None:
    weights = shipped("universal")
    network = Universal(sizes_of(weights.card.sizes)).requires_grad_(False)
    load_into(network, weights)
    psf = shake_seeded(13, 3)
    blurred = valid_blur(make_chart(160, 176)[:, :1], psf)
    blurred = blurred + 0.01 * torch.randn(blurred.shape, generator=torch.Generator().manual_seed(2))
    whole = network(blurred, psf)

    for number, net in enumerate(network.nets):
        silenced = net.register_forward_hook(lambda _net, _planes, answer: torch.zeros_like(answer))
        without = network(blurred, psf)
        silenced.remove()

        assert float((whole - without).square().mean().sqrt()) > SILENT, f"U-Net {number} decides nothing"
