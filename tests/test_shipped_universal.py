"""The shipped universal network works with all its parts, none of which is dead weight, and beyond its training."""

from pathlib import Path
from typing import Literal

import pytest
import torch

from tests.conftest import make_chart
from unblur.benchmark.case import stored_values
from unblur.colour import luma
from unblur.degrade.blur import valid_blur, valid_frame
from unblur.io.psf import read_psf
from unblur.metrics import psnr
from unblur.networks.kinds import KINDS, UniversalByNoise
from unblur.psf.random import shake_seeded
from unblur.restoration import restore
from unblur.universal import network_of
from unblur.weights import shipped

PHOTOGRAPH = Path(__file__).parents[1] / "examples" / "photographs" / "houses.jpg"
SILENT = 0.002
"""A U-Net without which the result differs by less (root mean square, white = 1) decides nothing."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_unet_has_a_say(kind: str) -> None:
    whole_network = network_of(shipped("universal"))
    assert isinstance(whole_network, UniversalByNoise)
    network = whole_network.networks()[KINDS.index(kind)]
    psf = shake_seeded(13, 3)
    blurred = valid_blur(make_chart(160, 176)[:, :1], psf)
    blurred = blurred + 0.01 * torch.randn(blurred.shape, generator=torch.Generator().manual_seed(2))
    whole = network(blurred, psf)

    for number, net in enumerate(network.nets):
        silenced = net.register_forward_hook(lambda _net, _planes, answer: torch.zeros_like(answer))
        without = network(blurred, psf)
        silenced.remove()

        assert float((whole - without).square().mean().sqrt()) > SILENT, f"U-Net {number} for {kind} decides nothing"


@pytest.mark.parametrize("transfer", ["linear", "encoded"])
def test_a_point_as_psf_leaves_a_stored_photograph_as_it_is(transfer: Literal["linear", "encoded"]) -> None:
    stored = stored_values(PHOTOGRAPH)

    restored = restore(stored, torch.ones(1, 1), method="universal", transfer=transfer, tile=256)

    torch.testing.assert_close(restored, stored, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["motion:91,30", "disk:40"])
def test_psfs_wider_than_any_that_was_trained_on_do_no_harm(name: str) -> None:
    sharp, psf = luma(stored_values(PHOTOGRAPH))[..., :300, :300], read_psf(name)
    blurred = valid_blur(sharp, psf)
    blurred = blurred + 0.01 * torch.randn(blurred.shape, generator=torch.Generator().manual_seed(2))

    restored = restore(blurred.clamp(0, 1), psf, method="universal", transfer="encoded")

    scene = valid_frame(sharp, psf)
    assert float(psnr(restored.clamp(0, 1), scene)[0]) > float(psnr(blurred, scene)[0]) + 0.5
