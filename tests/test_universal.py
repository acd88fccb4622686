"""The universal network as a method: what it knows of the whole picture, and its place in the catalogue."""

from pathlib import Path

import pytest
import torch

from tests.conftest import make_chart
from tests.networks.test_whole import lit, lively, partly_ignored
from unblur.bands import Held
from unblur.deconvolvers import Surveying
from unblur.errors import Cancelled, ConfigError
from unblur.extension import extended_bands
from unblur.methods import METHODS, default_method
from unblur.networks.light import noise_levels
from unblur.orientation import ORIENTATIONS, Orientation
from unblur.plan import planned
from unblur.psf.parametric import disk
from unblur.stored import OnStored
from unblur.tensors import Psf
from unblur.tiling import tiled
from unblur.universal import SAMPLED, UniversalDeconvolver, UniversalSettings, universal, universal_weights

CPU = torch.device("cpu")


def built() -> UniversalDeconvolver:
    made = universal("universal")(CPU, UniversalSettings())
    assert isinstance(made, UniversalDeconvolver)
    return made


def test_it_is_what_those_get_who_name_no_method() -> None:
    assert default_method(disk(7)) == default_method(torch.ones(1, 1)) == "universal"


def test_it_takes_any_psf_and_a_weight() -> None:
    method = METHODS["universal"]
    picture, weight = make_chart(40, 50), torch.ones(1, 1, 40, 50)
    weight[..., 10:14, 20:24] = 0
    spoilt = picture.clone()
    spoilt[..., 10:14, 20:24] = 0.5

    restored = built()(spoilt, disk(2), weight=weight)

    assert method.refusal(disk(11.3)) is None
    assert torch.isfinite(restored).all()
    assert not torch.allclose(restored, built()(spoilt, disk(2)))


def test_a_tile_is_told_the_noise_of_the_whole_picture() -> None:
    generator = torch.Generator().manual_seed(1)
    picture = make_chart(64, 160)
    picture[..., 80:] += 0.05 * torch.randn(1, 1, 64, 80, generator=generator)
    restore = built()
    assert isinstance(restore, Surveying)

    told = restore.surveyed(restore.sample(picture))

    quiet = picture[..., :80]
    expected = restore.network(torch.float32)(quiet, disk(1), noise=noise_levels(picture))
    torch.testing.assert_close(told(quiet, disk(1)), expected, atol=1e-6, rtol=0)
    assert not torch.allclose(restore(quiet, disk(1)), expected, atol=1e-3)


def test_the_plan_surveys_the_picture_before_its_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    def surveyed(self: UniversalDeconvolver, sample: torch.Tensor, *, weight: torch.Tensor | None = None) -> object:
        assert weight is not None
        seen.append((*sample.shape, *weight.shape))
        return self

    monkeypatch.setattr(UniversalDeconvolver, "surveyed", surveyed)
    picture = (make_chart(40, 300) * 255).to(torch.uint8)
    plan = planned(disk(1), method=None, transfer=None, encoding="srgb", settings=None, device=CPU)

    plan.restored(picture, weight=torch.ones(1, 1, 40, 300))
    assert not seen
    plan.restored(picture, weight=torch.ones(1, 1, 40, 300), tile=200)

    assert seen == [(1, 1, 40, 300, 1, 1, 40, 300)]


@pytest.mark.parametrize(("dtype", "step"), [(torch.uint8, 1 / 255), (torch.uint16, 1 / 65535)])
def test_a_stored_photograph_is_restored_as_its_light_would_be(dtype: torch.dtype, step: float) -> None:
    stored = (make_chart(40, 50) / step).round().to(torch.int32).to(dtype)
    plan = planned(disk(1), method=None, transfer="linear", encoding="srgb", settings=None, device=CPU)

    found = plan.restored(stored).to(torch.float64) * step

    torch.testing.assert_close(found, plan.restored(stored.to(torch.float32) * step).double(), atol=step, rtol=0)


def test_a_photograph_of_24_megapixels_is_not_cut_unless_asked() -> None:
    photograph = torch.zeros(1, 3, 1, 1, dtype=torch.uint8).expand(1, 3, 4000, 6000)
    plan = planned(disk(7), method=None, transfer="linear", encoding="srgb", settings=None, device=CPU)
    shapes: list[tuple[int, ...]] = []

    def noted(_: UniversalDeconvolver, stored: torch.Tensor, *__: object, **___: object) -> torch.Tensor:
        shapes.append(tuple(stored.shape))
        raise Cancelled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(UniversalDeconvolver, "of_integers", noted)
        patch.setattr(UniversalDeconvolver, "piece", noted)
        for memory in (None, 1_000_000_000):
            with pytest.raises(Cancelled):
                plan.restored(photograph, memory=memory)

    assert shapes[0] == (1, 3, 4000, 6000)
    assert shapes[1][2] < 4000


def test_a_large_picture_is_sampled_in_bands_that_tell_the_same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unblur.universal.SAMPLED", 30_000)
    picture = make_chart(600, 200) + 0.02 * torch.randn(1, 1, 600, 200, generator=torch.Generator().manual_seed(3))

    sample = built().sample(picture)

    assert SAMPLED > 1_000_000
    assert sample.shape[-1] == 200
    assert 64 <= sample.shape[-2] <= 600 / 3
    torch.testing.assert_close(noise_levels(sample), noise_levels(picture), atol=0.05, rtol=0)


def test_a_file_of_another_network_is_refused() -> None:
    other = Path(__file__).parents[1] / "src" / "unblur" / "data" / "dcnn-disk7.safetensors"

    with pytest.raises(ConfigError, match="expected a universal network"):
        universal_weights("universal", UniversalSettings(weights=str(other)))


@pytest.mark.parametrize("ignoring", [False, True])
def test_a_tile_at_the_frame_sees_the_opposite_side_of_the_photograph_as_the_whole_does(
    ignoring: bool, comma: Psf
) -> None:
    network, picture, psf = lively(sparse=1, steps=2), lit(251, 61)[:, :1], comma.double()
    weight = partly_ignored(251, 61) if ignoring else None
    trust = None if weight is None else Held(weight)
    own = OnStored(UniversalDeconvolver(lambda _: network, CPU), CPU, through_light=False)
    step = own.surveyed(Held(picture), trust)
    whole = step(picture, psf, weight=weight)

    bands = list(extended_bands(step, Held(picture), psf, tile=84, margin=80, weight=trust))

    torch.testing.assert_close(torch.cat(bands, dim=-2), whole, atol=0.1 / 255, rtol=0)
    apart = tiled(step, picture, psf, tile=84, margin=80, grid=8, weight=weight)
    assert float((apart - whole).abs().max()) > 1 / 255


def test_a_piece_that_is_all_of_the_extended_photograph_is_the_whole(comma: Psf) -> None:
    network, picture, psf = lively(sparse=1, steps=2), lit(50, 61), comma.double()
    step = OnStored(UniversalDeconvolver(lambda _: network, CPU), CPU, through_light=False)

    (band,) = extended_bands(step.surveyed(Held(picture), None), Held(picture), psf, tile=61, margin=100)

    torch.testing.assert_close(band, step(picture, psf), atol=1e-8, rtol=0)


@pytest.mark.parametrize("way", ORIENTATIONS[3:5])  # a flip and the transposition, which make all others
def test_eight_views_know_no_up_and_no_left(way: Orientation, comma: Psf) -> None:
    network, picture, psf = lively(sparse=1, steps=1), lit(32, 41)[:, :1], comma.double()
    restore = UniversalDeconvolver(lambda _: network, CPU, views=8, noise=noise_levels(picture))
    once = UniversalDeconvolver(lambda _: network, CPU, noise=noise_levels(picture))

    def apart(step: UniversalDeconvolver) -> float:
        return float((step(way.of(picture), way.of(psf)) - way.of(step(picture, psf))).abs().max())

    assert apart(restore) < 1e-9 < 1e-4 < apart(once)


@pytest.mark.parametrize("views", [2, 8])
def test_views_are_averaged_as_a_mean_of_calls_would(views: int, comma: Psf) -> None:
    network, picture, psf = lively(sparse=1, steps=1), lit(32, 41)[:, :1], comma.double()
    weight = partly_ignored(32, 41)
    once = UniversalDeconvolver(lambda _: network, CPU, noise=noise_levels(picture))
    told: list[float] = []

    several = UniversalDeconvolver(lambda _: network, CPU, views=views, noise=noise_levels(picture))
    found = several(picture, psf, weight=weight, report=told.append)

    each = [
        way.back(once(way.of(picture), way.of(psf), weight=way.of(weight.to(picture)))) for way in ORIENTATIONS[:views]
    ]
    torch.testing.assert_close(found, torch.stack(each).mean(dim=0), atol=1e-12, rtol=0)
    assert told == sorted(told)
    assert told[-1] == 1


def test_views_of_tiles_are_tiles_of_the_views(comma: Psf) -> None:
    # Its extended sides are even both ways; where a fast height is odd, the rim differs by less than a tenth of a step.
    network, picture, psf = lively(sparse=1, steps=1), lit(131, 61)[:, :1], comma.double()
    own = OnStored(UniversalDeconvolver(lambda _: network, CPU, views=8), CPU, through_light=False)
    step = own.surveyed(Held(picture), None)

    bands = list(extended_bands(step, Held(picture), psf, tile=88, margin=72))

    torch.testing.assert_close(torch.cat(bands, dim=-2), step(picture, psf), atol=0.1 / 255, rtol=0)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16])
def test_stored_photographs_have_views_too(dtype: torch.dtype) -> None:
    full = 255 if dtype == torch.uint8 else 65535
    stored = (make_chart(40, 50) * full).round().to(torch.int32).to(dtype)
    two, one = (
        planned(disk(1), method=None, transfer="linear", encoding="srgb", settings={"views": views}, device=CPU)
        for views in ("2", "1")
    )

    found, first = (plan.restored(stored).to(torch.float64) / full for plan in (two, one))

    assert 1e-4 < float((found - first).abs().mean()) < 0.02


@pytest.mark.parametrize("views", [0, 3, 16])
def test_views_that_are_no_group_are_refused(views: int) -> None:
    with pytest.raises(ConfigError, match="expected one of 1, 2, 4, 8"):
        UniversalSettings(views=views)


def test_gradients_flow_through_tiles() -> None:
    picture = make_chart(40, 60).requires_grad_()
    plan = planned(disk(1), method=None, transfer="encoded", encoding="srgb", settings=None, device=CPU)

    plan.restored(picture, tile=40).sum().backward()

    assert picture.grad is not None
    assert float(picture.grad.abs().min()) >= 0
    assert float(picture.grad.abs().max()) > 0
