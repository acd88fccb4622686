"""Tiles of the extended photograph: at the frame, too, they are what the whole is."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.conftest import make_chart
from unblur.bands import Held
from unblur.boundary import Arc, domain, extended
from unblur.colour import SRGB
from unblur.degrade.camera import Camera
from unblur.errors import Cancelled, ConfigError
from unblur.extension import extended_bands, picked, spans
from unblur.methods import METHODS
from unblur.plan import planned
from unblur.psf.parametric import disk
from unblur.stored import OnStored, light_of
from unblur.tensors import Image, Psf, Report, Weight
from unblur.tiling import tiled

CPU = torch.device("cpu")


def photograph(height: int, width: int, *, gain: float = 1.0) -> Tensor:
    """Three planes that differ, blurred and noisy, in 8 bits; no edge of it resembles the opposite one."""
    chart = make_chart(height + 4, width + 4)
    planes = torch.cat([chart, chart.flip(-1), chart.flip(-2).square()], dim=1)
    picture, _ = Camera(gain=gain, noise=0.01).photograph(planes, disk(2.5), torch.Generator().manual_seed(2))
    return (SRGB.encode(picture) * 255).round().to(torch.uint8)


def planes_of(name: str, picture: Tensor, **words: Any) -> Tensor:
    """Restored by a method, as grey levels that may be subtracted."""
    settings = words.pop("settings", None)
    plan = planned(disk(2.5), method=name, transfer="linear", encoding="srgb", settings=settings, device=CPU)
    return plan.restored(picture, **words).to(torch.int32)


class NearAverage:
    """A lopsided mean over 3 pixels up and 2 to the right that goes round the circle of a whole domain."""

    def __init__(self, *, blind: bool = False) -> None:
        self.blind, self.seen = blind, list[tuple[int, int]]()

    def decoded(self, stored: Tensor) -> Image:
        return light_of(stored, through_light=True)

    def room(self, psf: Psf) -> Tensor:
        return psf

    def piece(
        self, extended: Image, psf: Psf, *, weight: Weight, place: tuple[Arc, Arc], report: Report | None = None
    ) -> Image:
        del psf, place
        self.seen.append((extended.shape[-2], extended.shape[-1]))
        if report:
            report(1.0)
        image = extended if self.blind else extended * (1 + weight)
        return image + image.roll((3, -2), dims=(-2, -1))

    def as_stored(self, restored: Image, like: Tensor) -> Tensor:
        del like
        return restored


def whole(step: NearAverage, stored: Tensor, psf: Psf) -> Tensor:
    picture, weight, inside = extended(step.decoded(stored), psf)
    rows, columns = (
        Arc(start=-part.start, stop=full - part.start, length=length, full=full, wanted=slice(0, length))
        for part, full, length in zip(inside, picture.shape[-2:], stored.shape[-2:], strict=True)
    )
    return step.piece(picture, psf, weight=weight, place=(rows, columns))[..., inside[0], inside[1]]


@pytest.mark.parametrize("size", [(37, 53), (20, 90), (8, 61)])
@pytest.mark.parametrize(("tile", "margin"), [(11, 3), (16, 9), (30, 40)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.uint16])
def test_a_method_of_finite_reach_has_no_seams_and_no_rim(
    size: tuple[int, int], tile: int, margin: int, dtype: torch.dtype
) -> None:
    psf = torch.full((5, 7), 1 / 35)
    top = {torch.uint8: 255, torch.uint16: 65535}.get(dtype, 1)
    stored = (make_chart(*size).repeat(1, 3, 1, 1) * top).to(dtype)
    light = stored if dtype == torch.float32 else stored.to(torch.float32)  # what bands are made of

    class OfFloats(NearAverage):
        def decoded(self, stored: Tensor) -> Image:
            return light_of(stored.to(torch.float32) / top, through_light=True)

    bands = list(extended_bands(OfFloats(), Held(light), psf, tile=tile, margin=margin))

    assert sum(band.shape[-2] for band in bands) == size[0]
    torch.testing.assert_close(torch.cat(bands, dim=-2), whole(OfFloats(), stored, psf), atol=1e-6, rtol=0)


def test_too_small_a_margin_shows() -> None:
    psf, picture = torch.full((5, 7), 1 / 35), make_chart(37, 53)

    found = torch.cat(list(extended_bands(NearAverage(), Held(picture), psf, tile=11, margin=2)), dim=-2)

    assert not torch.allclose(found, whole(NearAverage(), picture, psf), atol=1e-3)


def test_all_tiles_are_of_one_size_and_none_is_larger_than_the_extended_photograph() -> None:
    psf, step = torch.full((5, 7), 1 / 35), NearAverage()

    list(extended_bands(step, Held(make_chart(100, 30)), psf, tile=10, margin=12))

    assert set(step.seen) == {(34, 34)}
    step.seen.clear()
    list(extended_bands(step, Held(make_chart(100, 30)), psf, tile=10, margin=20))
    assert set(step.seen) == {(50, extended(make_chart(100, 30), psf)[0].shape[-1])}


def test_a_span_round_the_circle_holds_every_pixel_once() -> None:
    first, _ = spans(40, 54, 7, 20, 20)

    assert first.arc.circular
    assert int(first.within.sum()) == 40
    assert torch.equal(first.first[first.kept], torch.arange(20))
    assert len(first.first) == 54


def test_a_span_knows_where_on_the_circle_it_lies() -> None:
    top, _, last = spans(90, 124, 17, 30, 10)

    assert (top.arc.start, top.arc.stop, top.written) == (-10, 40, slice(0, 30))
    assert (last.arc.start, last.arc.stop, last.kept) == (50, 100, slice(10, 40))
    assert torch.equal(last.within, torch.cat([torch.ones(40), torch.zeros(10)]))
    assert not last.arc.circular


def test_the_photograph_is_extended_for_the_room_that_a_method_asks_for() -> None:
    class Roomy(NearAverage):
        def room(self, psf: Psf) -> Tensor:
            return psf.new_zeros(13, 15)

        def piece(self, extended: Image, psf: Psf, **words: Any) -> Image:
            assert psf.shape == (3, 3)
            fulls.append(tuple(arc.full for arc in words["place"]))
            return super().piece(extended, psf, **words)

    fulls: list[tuple[int, ...]] = []

    list(extended_bands(Roomy(), Held(make_chart(100, 70)), torch.ones(3, 3) / 9, tile=50, margin=4))

    assert set(fulls) == {domain((100, 70), torch.zeros(13, 15))[0]}


def test_only_the_rows_that_a_row_of_tiles_needs_are_read() -> None:
    asked: list[slice] = []

    class Watched(Held):
        def read(self, rows: slice) -> Tensor:
            asked.append(rows)
            return super().read(rows)

    bands = extended_bands(NearAverage(), Watched(make_chart(100, 30)), torch.ones(3, 3) / 9, tile=20, margin=8)

    next(bands)
    # Its own, those that stand mirrored beyond the frame from the bottom, and those that they pass into.
    assert asked[1:] == [slice(0, 28), slice(92, 100), slice(0, 6)]
    asked.clear()
    next(bands)
    assert asked == [slice(12, 48)]


def test_rows_are_picked_in_any_order_and_read_once() -> None:
    picture = make_chart(20, 10)
    rows = torch.tensor([5, 3, 4, 4, 19, 0])

    assert torch.equal(picked(Held(picture), rows), picture[..., rows, :])


@pytest.mark.parametrize(
    ("name", "settings", "gain"),
    [
        ("wiener", {}, 1.0),
        ("wiener", {"noise_to_signal": 0.0025}, 1.0),
        ("wiener", {"prior": "gradient"}, 1.0),
        ("richardson-lucy", {"iterations": 20}, 1.0),
        ("saturated-rl", {"iterations": 15}, 2.0),
    ],
)
def test_tiles_are_the_whole_to_a_grey_level_up_to_the_frame(name: str, settings: dict[str, Any], gain: float) -> None:
    picture = photograph(200, 230, gain=gain)

    together = planes_of(name, picture, settings=settings)
    parts = planes_of(name, picture, settings=settings, tile=50)

    assert int((together - parts).abs().max()) <= 1


def test_tiles_that_extend_themselves_are_not() -> None:
    picture, method = photograph(230, 300), METHODS["wiener"]
    step = OnStored(method.build(CPU, method.settings()), CPU, through_light=True)

    own = tiled(step, picture, disk(2.5), tile=40, margin=method.margin(disk(2.5)))

    assert int((planes_of("wiener", picture) - own.to(torch.int32)).abs().max()) > 2


@pytest.mark.parametrize("name", ["wiener", "richardson-lucy"])
def test_ignored_pixels_are_filled_as_in_the_whole(name: str) -> None:
    picture, weight = photograph(180, 230)[:, :1], torch.ones(1, 1, 180, 230)
    weight[..., 60:100, 80:130] = 0  # so wide that nothing around its middle is trusted
    weight[..., :20, 40:60] = 0
    weight[..., 150:, :30] = 0.3

    together = planes_of(name, picture, weight=weight)
    parts = planes_of(name, picture, weight=weight, tile=50)

    assert int((together - parts).abs().max()) <= 1
    assert int((together - planes_of(name, picture)).abs().max()) > 3


def test_progress_rises_to_one_and_a_stop_is_heard() -> None:
    told: list[float] = []

    list(extended_bands(NearAverage(), Held(make_chart(40, 50)), disk(1), tile=20, margin=4, report=told.append))

    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) > 8

    def stop(share: float) -> None:
        raise Cancelled(f"at {share}")

    with pytest.raises(Cancelled):
        list(extended_bands(NearAverage(), Held(make_chart(40, 50)), disk(1), tile=20, margin=4, report=stop))


@pytest.mark.parametrize(("tile", "margin"), [(0, 3), (10, -1)])
def test_impossible_tiles_are_refused(tile: int, margin: int) -> None:
    with pytest.raises(ConfigError, match="expected"):
        list(extended_bands(NearAverage(), Held(make_chart(40, 50)), disk(1), tile=tile, margin=margin))
