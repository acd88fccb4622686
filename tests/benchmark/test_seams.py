"""What tiles do to a picture, measured as a user would get it."""

import pytest
import torch

from tests.conftest import make_chart
from unblur.benchmark.seams import seams
from unblur.degrade.camera import Camera
from unblur.errors import ConfigError
from unblur.psf.parametric import disk


def blurred(height: int, width: int) -> torch.Tensor:
    picture, _ = Camera(noise=0.01).photograph(make_chart(height, width), disk(1.5), torch.Generator().manual_seed(2))
    return picture


def test_tiles_of_one_piece_change_nothing() -> None:
    found = seams(blurred(70, 80), disk(1.5), tile=100)

    assert found.largest == found.mean == 0


def test_a_wider_margin_makes_fainter_seams() -> None:
    picture = blurred(60, 400)

    near, far = (seams(picture, "disk:1.5", tile=200, margin=margin, transfer="encoded") for margin in (8, 120))

    assert near.margin == 8
    assert far.mean < near.mean / 2
    assert far.largest < near.largest


def test_tiles_of_the_universal_network_differ_by_less_than_one_step_of_8_bits() -> None:
    found = seams(blurred(60, 640), disk(1.5), tile=330, transfer="encoded")

    assert found.margin == 8 * 3 + 192
    assert 0 <= found.largest <= 1


def test_tiles_of_the_universal_network_know_beyond_the_frame_what_the_whole_knows() -> None:
    picture, _ = Camera(noise=0.003).photograph(make_chart(67, 679), disk(3), torch.Generator().manual_seed(2))

    found = seams(picture, disk(3), tile=101, transfer="encoded")

    # 0.0005 when this was written; tiles that make up for themselves what lies there reach 0.17.
    assert found.largest < 0.03


def test_a_method_that_refuses_tiles_cannot_be_measured() -> None:
    with pytest.raises(ConfigError, match="refuses tiles"):
        seams(blurred(40, 50), disk(1.5), method="sparse")
