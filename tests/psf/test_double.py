"""One light or two."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects

from unblur.psf.double import echo
from unblur.psf.parametric import disk, gauss, motion, polygon
from unblur.psf.random import shake_seeded
from unblur.tensors import Psf


@pytest.mark.parametrize(
    "psf",
    [disk(4), disk(13.3), gauss(3), gauss(4, 1.5, 30), motion(31, 0), motion(20, 45), polygon(5, 9)],
    ids=["disk", "large disk", "gauss", "oblique", "line", "diagonal", "polygon"],
)
def test_one_light_passes_as_one(psf: Psf) -> None:
    assert echo(psf.double().numpy()) is None


@pytest.mark.parametrize("seed", range(4))
def test_a_shake_passes_as_one_light(seed: int) -> None:
    assert echo(shake_seeded(27, seed).double().numpy()) is None


@pytest.mark.parametrize("psf", [disk(6), gauss(2)], ids=["disk", "gauss"])
def test_two_lights_are_found_and_their_distance_too(psf: Psf) -> None:
    both = F.pad(psf, (0, 14, 5, 0)) + 0.75 * F.pad(psf, (14, 0, 0, 5))

    found = echo(both.double().numpy())

    assert found is not None
    down, right = torch.tensor(found).abs().tolist()
    assert (down, right) == pytest.approx((5, 14), abs=1.6)
    assert found[0] * found[1] < 0  # up to the right, not down
