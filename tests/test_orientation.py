"""Pictures and pieces of them, flipped and transposed."""

import pytest
import torch

from unblur.boundary import Arc
from unblur.orientation import ORIENTATIONS, Orientation

PICTURE = torch.arange(6.0).reshape(1, 1, 2, 3)


def test_there_are_eight_and_the_first_changes_nothing() -> None:
    looks = {tuple(way.of(PICTURE).flatten().tolist()) + tuple(way.of(PICTURE).shape) for way in ORIENTATIONS}

    assert len(ORIENTATIONS) == len(looks) == 8
    assert torch.equal(ORIENTATIONS[0].of(PICTURE), PICTURE)


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.uint16])
@pytest.mark.parametrize("way", ORIENTATIONS)
def test_back_undoes_it(way: Orientation, dtype: torch.dtype) -> None:
    picture = PICTURE.to(torch.int32).to(dtype)

    assert torch.equal(way.back(way.of(picture)), picture)


def test_first_it_flips_then_it_transposes() -> None:
    turned = Orientation((-1,), transposed=True).of(PICTURE)

    assert turned[0, 0].tolist() == [[2, 5], [1, 4], [0, 3]]


@pytest.mark.parametrize("way", ORIENTATIONS)
def test_a_piece_lies_where_it_lay(way: Orientation) -> None:
    photograph = torch.arange(35).reshape(5, 7)
    rows = Arc(start=1, stop=4, length=5, full=9, wanted=slice(2, 3))
    columns = Arc(start=0, stop=4, length=7, full=12, wanted=slice(1, 4))
    piece, wanted = photograph[1:4, 0:4], photograph[2:3, 1:4]

    down, across = way.place((rows, columns))

    whole = way.of(photograph)
    assert torch.equal(whole[down.start : down.stop, across.start : across.stop], way.of(piece))
    assert torch.equal(whole[down.wanted, across.wanted], way.of(wanted))
    assert {(arc.length, arc.full) for arc in (down, across)} == {(5, 9), (7, 12)}
