"""Bands from top to bottom: windows that weigh 1 together, tiles as in the whole, one row of tiles at a time."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from tests.conftest import make_chart
from unblur.bands import Held, blended_bands, overlaps, tiled_bands
from unblur.errors import Cancelled
from unblur.psf.grid import PlacedPsfs, PsfGrid
from unblur.tensors import Image, Psf, Report
from unblur.tiling import tiled


def near_average(blurred: Tensor, psf: Psf, *, weight: Image | None = None, report: Report | None = None) -> Tensor:
    """A lopsided operation that sees 3 pixels up and 2 to the right."""
    if report:
        report(1.0)
    seen = blurred if weight is None else blurred * weight
    padded = F.pad(seen, (0, 2, 3, 0), value=0.5)
    return padded[..., 3:, 2:] + float(psf[0, 0]) * padded[..., :-3, :-2]


def placed(comma: Psf, height: int, width: int) -> PlacedPsfs:
    """Equal PSFs everywhere."""
    return PsfGrid.evenly([[comma, comma], [comma, comma]]).on(height, width)


class Watched:
    """Rows of a picture, and which were asked for."""

    def __init__(self, planes: Tensor) -> None:
        self.held, self.asked = Held(planes), list[slice]()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.held.shape

    def read(self, rows: slice) -> Tensor:
        self.asked.append(rows)
        return self.held.read(rows)


@pytest.mark.parametrize("length", [1, 2, 37, 100])
@pytest.mark.parametrize("cell", [None, 1, 10, 36, 1000])
@pytest.mark.parametrize("grid", [1, 8])
def test_all_windows_together_weigh_one_everywhere(length: int, cell: int | None, grid: int) -> None:
    weight = torch.zeros(length, dtype=torch.float64)

    for piece in overlaps(length, cell, 5, grid):
        weight[piece.written] += piece.share
        inner, outer = torch.zeros(length)[piece.written], torch.zeros(length)[piece.read]
        assert float(piece.share.min()) > 0
        assert outer[piece.kept].shape == inner.shape
        assert piece.read.start % grid == 0
        assert piece.read.start <= max(0, piece.written.start - 5)
        assert piece.read.stop == min(length, piece.written.stop + 5)

    torch.testing.assert_close(weight, torch.ones_like(weight))


def test_a_window_is_full_at_its_knot_and_falls_evenly_to_the_next() -> None:
    first, second, _ = overlaps(21, 10, 0)

    np.testing.assert_allclose(first.share.numpy(), np.arange(10, 0, -1) / 10)
    np.testing.assert_allclose(second.share[:10].numpy(), np.arange(1, 11) / 10)
    assert [piece.knot for piece in (first, second)] == [0, 10]


def test_bands_of_tiles_together_are_what_tiles_make(comma: Psf) -> None:
    blurred = make_chart(37, 53)
    options: dict[str, Any] = {"tile": 11, "margin": 1, "grid": 4}  # a margin so small that other tiles would show

    bands = list(tiled_bands(near_average, Held(blurred), comma, **options))

    assert [band.shape[-2] for band in bands] == [9, 9, 10, 9]
    assert torch.equal(torch.cat(bands, dim=-2), tiled(near_average, blurred, comma, **options))


def test_only_the_rows_under_a_row_of_tiles_are_asked_for(comma: Psf) -> None:
    source = Watched(make_chart(40, 53))

    bands = tiled_bands(near_average, source, comma, tile=10, margin=3)
    next(bands)

    assert source.asked == [slice(0, 13)]
    list(bands)
    assert source.asked == [slice(0, 13), slice(7, 23), slice(17, 33), slice(27, 40)]


def test_equal_psfs_blend_to_what_the_whole_gives(comma: Psf) -> None:
    blurred, weight = make_chart(61, 83), torch.ones(1, 1, 61, 83)
    weight[..., 20:30, 40:60] = 0.5

    bands = blended_bands(
        near_average, Held(blurred), placed(comma, 61, 83), cell=(13, 17), margin=3, weight=Held(weight)
    )

    torch.testing.assert_close(
        torch.cat(list(bands), dim=-2), near_average(blurred, comma, weight=weight), atol=1e-6, rtol=0
    )


def test_a_psf_that_varies_linearly_varies_so_in_the_result(comma: Psf) -> None:
    grid = PsfGrid.evenly([[torch.zeros_like(comma), comma]]).on(30, 81)

    found = torch.cat(
        list(blended_bands(near_average, Held(torch.ones(1, 1, 30, 81)), grid, cell=(None, 20), margin=3)), dim=-2
    )

    expected = 1 + 0.5 * torch.arange(81) / 80  # half of the light of the comma is in its corner
    torch.testing.assert_close(found[0, 0, 5, :78], expected[:78], atol=1e-5, rtol=0)


def test_blended_bands_rise_to_one_and_can_be_stopped(comma: Psf) -> None:
    told: list[float] = []

    list(
        blended_bands(
            near_average, Held(make_chart(40, 50)), placed(comma, 40, 50), cell=(20, 20), margin=3, report=told.append
        )
    )

    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) > 8

    def stop(share: float) -> None:
        raise Cancelled(f"at {share}")

    with pytest.raises(Cancelled):
        list(
            blended_bands(
                near_average, Held(make_chart(40, 50)), placed(comma, 40, 50), cell=(20, 20), margin=3, report=stop
            )
        )
