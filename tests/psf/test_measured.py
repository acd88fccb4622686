"""Stars whose PSF is known, photographed in noise."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects

from tests.psf.lights import similarity, star
from unblur.errors import PsfError
from unblur.psf.measured import measured_point
from unblur.psf.parametric import disk, gauss, motion
from unblur.psf.random import shake_seeded
from unblur.tensors import Psf

LOPSIDED = shake_seeded(27, 3)


def test_a_lopsided_psf_comes_back_the_right_way_round() -> None:
    found = measured_point(star(LOPSIDED, noise=0.01), 60, 60)

    assert similarity(found.psf, LOPSIDED) > 0.97
    assert similarity(found.psf.flip(0, 1), LOPSIDED) < 0.9
    assert found.repaired == 0
    assert found.cut == pytest.approx(0, abs=1e-9)


def test_it_is_a_psf_with_its_centroid_in_the_middle_and_nothing_around_the_light() -> None:
    psf = measured_point(star(motion(15, 30)), 62, 58).psf

    rows, columns = (torch.arange(side) - side // 2 for side in psf.shape)
    assert psf.shape[0] == psf.shape[1]
    assert psf.shape[0] % 2 == 1
    assert float(psf.sum()) == pytest.approx(1, abs=1e-5)
    assert abs(float((psf.sum(1) * rows).sum())) <= 0.5
    assert abs(float((psf.sum(0) * columns).sum())) <= 0.5
    assert int((psf > 0).sum()) < 0.75 * psf.numel()


@pytest.mark.parametrize(("right", "down"), [(0.0, 0.0), (0.3, -0.4), (-0.5, 0.25)])
def test_a_star_between_pixels_is_found_to_a_twentieth_of_a_pixel(right: float, down: float) -> None:
    rows, columns = torch.arange(25.0)[:, None] - 12 - down, torch.arange(25.0)[None, :] - 12 - right
    between: Psf = torch.exp(-(rows**2 / 18 + columns**2 / 6))

    found = measured_point(star(between), 61, 59)

    assert (found.x, found.y) == pytest.approx((60 + right, 60 + down), abs=0.05)
    assert similarity(found.psf, between / between.sum()) > 0.995


def test_a_slope_and_a_star_in_the_background_do_not_tilt_the_psf() -> None:
    light = star(LOPSIDED)
    light = (light + torch.linspace(0, 0.15, 121)).clamp(0, 1)
    light[..., 20:24, 15:19] = 0.9

    assert similarity(measured_point(light, 60, 60).psf, LOPSIDED) > 0.97


@pytest.mark.parametrize("psf", [gauss(2), gauss(4, 1.5, 30)], ids=["round", "oblique"])
def test_a_clipped_gaussian_core_is_repaired(psf: Psf) -> None:
    light = star(psf, peak=2.5, background=0.02)
    clipped = int((light >= 0.98).sum())

    found = measured_point(light, 60, 60)

    assert found.repaired == clipped > 10
    assert similarity(found.psf, psf) > 0.99
    assert float(found.psf.max()) == pytest.approx(float(psf.max()), rel=0.1)
    flat = light[0, 0, 60 - 12 : 60 + 13, 60 - 12 : 60 + 13] - 0.02
    assert similarity(found.psf, psf) > similarity(flat, psf) + 0.01  # left clipped, it would be worse


def test_a_clipped_shake_is_repaired_well_enough() -> None:
    found = measured_point(star(LOPSIDED, peak=2, background=0.02), 60, 60)

    assert found.repaired > 3
    assert similarity(found.psf, LOPSIDED) > 0.95


def test_a_channel_that_is_not_clipped_tells_what_the_others_lost() -> None:
    bright, dim = star(disk(5), peak=2.0, seed=1), star(disk(5), peak=0.5, seed=2)

    found = measured_point(torch.cat([bright, dim, bright], dim=1), 60, 60)

    assert found.repaired == 0
    assert similarity(found.psf, disk(5)) > 0.98


def test_a_given_size_cuts_or_pads_and_says_what_is_lost() -> None:
    light = star(disk(6))

    small, large = measured_point(light, 60, 60, size=9), measured_point(light, 60, 60, size=41)

    assert small.psf.shape == (9, 9)
    assert 0.2 < small.cut < 0.5
    assert large.psf.shape == (41, 41)
    assert large.cut == 0


def test_places_are_reported_in_the_whole_picture() -> None:
    found = measured_point(star(disk(3)), 60, 60, corner=(1000, 2000))

    assert (found.x, found.y) == pytest.approx((1060, 2060), abs=0.1)
    with pytest.raises(PsfError, match="background at 1020,2030"):
        measured_point(star(disk(3)), 20, 30, corner=(1000, 2000))


def test_a_place_without_a_light_is_refused() -> None:
    grain = 0.2 + 0.01 * torch.randn(1, 1, 90, 120, generator=torch.Generator().manual_seed(5))
    halves = torch.full((1, 1, 600, 600), 0.1)
    halves[..., 300:] = 0.6

    with pytest.raises(PsfError, match="nothing stands out"):
        measured_point(grain, 60, 45)
    with pytest.raises(PsfError, match=r"nothing stands out|no point of light|border"):
        measured_point(halves, 301, 300)
    with pytest.raises(PsfError, match="outside the picture of 120 x 90"):
        measured_point(grain, 120, 45)


def test_a_light_at_the_border_is_refused() -> None:
    with pytest.raises(PsfError, match="touches the picture's border"):
        measured_point(star(disk(7))[..., 57:], 3, 60)


def test_a_light_larger_than_the_reach_is_refused() -> None:
    with pytest.raises(PsfError, match="no point of light"):
        measured_point(F.pad(torch.full((1, 1, 600, 8), 0.7), (300, 300, 50, 50)), 303, 350)


def test_a_light_that_is_clipped_all_over_is_refused() -> None:
    with pytest.raises(PsfError, match="its shape is lost"):
        measured_point(star(disk(7), peak=3), 60, 60)


def test_a_second_light_in_the_box_is_refused() -> None:
    light = star(disk(7)) + star(disk(7), noise=0, background=0).roll((15, 15), (2, 3))

    with pytest.raises(PsfError, match=r"a second light near 7\d,7\d"):
        measured_point(light, 60, 60)


@pytest.mark.parametrize("psf", [disk(7), gauss(2.5)], ids=["disk", "gauss"])
def test_two_lights_that_overlap_are_refused(psf: Psf) -> None:
    kh, kw = psf.shape
    both = F.pad(psf, (0, 8, 0, 6)) + 0.7 * F.pad(psf, (8, 0, 6, 0))

    light = star(both[: kh + 6 - (kh + 5) % 2, : kw + 8 - (kw + 7) % 2])

    with pytest.raises(PsfError, match="two that overlap, 10 px apart"):
        measured_point(light, 60, 60)
    assert measured_point(light, 60, 60, alone=True).psf.shape[0] > kh


@pytest.mark.parametrize("size", [2, 8, 1001])
def test_a_size_that_no_psf_has_is_refused(size: int) -> None:
    with pytest.raises(PsfError, match="expected an odd number"):
        measured_point(star(disk(3)), 60, 60, size=size)
