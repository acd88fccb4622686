"""Tiles: every pixel once, no seam for a method of finite reach, and faint ones otherwise."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from tests.conftest import make_chart
from unblur.errors import Cancelled, ConfigError
from unblur.methods import METHODS
from unblur.tensors import Image, Psf, Report
from unblur.tiling import tile_for_memory, tiled, tiles


def near_average(blurred: Tensor, psf: Psf, *, weight: Image | None = None, report: Report | None = None) -> Tensor:
    """A lopsided operation that sees 3 pixels up and 2 to the right, and treats the picture's border in its own way."""
    del psf, report
    seen = blurred if weight is None else blurred * weight
    padded = F.pad(seen, (0, 2, 3, 0), value=0.5)
    return padded[..., 3:, 2:] + 0.25 * padded[..., :-3, :-2]


@pytest.mark.parametrize("size", [(1, 1), (7, 50), (48, 64), (33, 101)])
@pytest.mark.parametrize("tile", [1, 16, 17, 1000])
def test_every_pixel_is_written_once_and_no_tile_is_larger_than_asked(size: tuple[int, int], tile: int) -> None:
    written = torch.zeros(size)

    for piece in tiles(*size, tile=tile, margin=5):
        written[piece.written] += 1
        inner, outer = torch.zeros(size)[piece.written], torch.zeros(size)[piece.read]
        assert max(inner.shape) <= tile
        assert outer[piece.kept].shape == inner.shape

    assert bool((written == 1).all())


def test_a_method_of_finite_reach_has_no_seams(comma: Psf) -> None:
    blurred = make_chart(37, 53)

    torch.testing.assert_close(
        tiled(near_average, blurred, comma, tile=11, margin=3), near_average(blurred, comma), atol=0, rtol=0
    )


def test_pieces_begin_on_the_grid_and_reach_at_least_as_far() -> None:
    for piece in tiles(200, 310, tile=70, margin=13, grid=8):
        for read, written in zip(piece.read, piece.written, strict=True):
            assert read.start % 8 == 0
            assert read.start <= max(0, written.start - 13)


def test_a_method_of_cells_has_no_seams_on_its_grid(comma: Psf) -> None:
    def coarse(blurred: Tensor, psf: Psf, *, weight: Image | None = None, report: Report | None = None) -> Tensor:
        del psf, weight, report
        cells = F.avg_pool2d(blurred, 4, ceil_mode=True)
        return F.interpolate(cells, scale_factor=4)[..., : blurred.shape[-2], : blurred.shape[-1]]

    blurred = make_chart(40, 60)
    whole = coarse(blurred, comma)

    torch.testing.assert_close(tiled(coarse, blurred, comma, tile=13, margin=4, grid=4), whole, atol=1e-6, rtol=0)
    assert not torch.allclose(tiled(coarse, blurred, comma, tile=13, margin=5), whole, atol=1e-3)


def test_too_small_a_margin_shows(comma: Psf) -> None:
    blurred = make_chart(37, 53)

    assert not torch.equal(tiled(near_average, blurred, comma, tile=11, margin=1), near_average(blurred, comma))


def test_the_weight_is_cut_like_the_picture(comma: Psf) -> None:
    blurred = make_chart(37, 53)
    weight = torch.zeros(1, 1, 37, 53)
    weight[..., 5:20, 9:40] = 1

    torch.testing.assert_close(
        tiled(near_average, blurred, comma, tile=11, margin=3, weight=weight),
        near_average(blurred, comma, weight=weight),
        atol=0,
        rtol=0,
    )


def test_integers_pass_through(comma: Psf) -> None:
    def negative(blurred: Tensor, psf: Psf, *, weight: Image | None = None, report: Report | None = None) -> Tensor:
        del psf, weight, report
        return 255 - blurred

    stored = (make_chart(20, 30) * 255).to(torch.uint8)

    torch.testing.assert_close(tiled(negative, stored, comma, tile=8, margin=2), 255 - stored)


def test_progress_rises_to_one_through_all_tiles(comma: Psf) -> None:
    told: list[float] = []
    method = METHODS["richardson-lucy"]
    deconvolve = method.build(torch.device("cpu"), method.configured({"iterations": 4}))

    tiled(deconvolve, make_chart(40, 60), comma, tile=30, margin=8, report=told.append)

    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) > 8


def test_a_request_to_stop_is_heard_between_tiles(comma: Psf) -> None:
    def stop(share: float) -> None:
        raise Cancelled(f"at {share}")

    with pytest.raises(Cancelled):
        tiled(near_average, make_chart(40, 60), comma, tile=30, margin=8, report=stop)


def test_a_tile_fits_into_the_memory_it_was_sized_for() -> None:
    side = tile_for_memory(50_000_000, 100, 40)

    assert (side + 2 * 40) ** 2 * 100 <= 50_000_000 < (side + 2 * 40 + 1) ** 2 * 100


def test_what_a_method_takes_at_any_size_is_left_out_of_the_tile() -> None:
    assert tile_for_memory(90_000_000, 100, 40, fixed=40_000_000) == tile_for_memory(50_000_000, 100, 40)
    with pytest.raises(ConfigError, match="expected at least 42 MB"):
        tile_for_memory(40_000_000, 100, 40, fixed=40_000_000)


def test_too_little_memory_says_how_much_is_needed() -> None:
    with pytest.raises(ConfigError, match="expected at least 2 MB"):
        tile_for_memory(1_000_000, 100, 40)
    tile_for_memory(2_000_000, 100, 40)


def test_a_tile_without_pixels_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        tiles(10, 10, tile=0, margin=1)
