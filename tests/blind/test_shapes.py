"""Disks and lines by the spectrum."""

import pytest
import torch

from tests.blind.scenes import leaves, taken
from unblur.blind.cleanup import spread
from unblur.blind.search import Kind, Search
from unblur.blind.shapes import CLOSE, Shape, estimated_shape
from unblur.blind.spectrum import misfits, periodogram
from unblur.degrade.jpeg import jpeg
from unblur.errors import Cancelled, PsfError
from unblur.fourier import Blur
from unblur.psf.parametric import delta, disk, gauss, motion
from unblur.tensors import Image, Psf, Weight


@pytest.mark.parametrize("radius", [2.6, 4.3])
def test_the_radius_of_a_disk_is_found(radius: float) -> None:
    blurred = taken(disk(radius), 200, 220)

    found = estimated_shape(blurred, 15, kind="disk", weight=torch.ones_like(blurred))

    assert float(found.spec.removeprefix("disk:")) == pytest.approx(radius, rel=0.06)
    assert found.gain > 0


def test_jpeg_does_not_hide_the_radius_of_a_disk() -> None:
    stored = jpeg(taken(disk(4.3), 200, 224), 85)

    found = estimated_shape(stored, 15, kind="disk", weight=torch.ones_like(stored))

    assert float(found.spec.removeprefix("disk:")) == pytest.approx(4.3, rel=0.06)


def test_the_true_disk_explains_the_spectrum_better_than_others_and_than_a_line() -> None:
    blurred = taken(disk(3.5), 200, 220)
    found = periodogram(blurred, 64, weight=torch.ones_like(blurred))
    assert found is not None

    true, *others = misfits(found, [disk(3.5), disk(2.8), disk(4.3), motion(7, 0), delta()]).tolist()

    assert true < min(others)


def test_a_line_is_told_from_the_same_line_turned() -> None:
    blurred = taken(motion(9, 30), 200, 220)
    found = periodogram(blurred, 64, weight=torch.ones_like(blurred))
    assert found is not None

    true, mirrored, across, shorter = misfits(
        found, [motion(9, 30), motion(9, 150), motion(9, 120), motion(6, 30)]
    ).tolist()

    assert true < min(mirrored, across, shorter)


def test_tiles_with_untrusted_pixels_are_left_out() -> None:
    blurred, weight = taken(disk(2), 128, 128), torch.ones(1, 1, 128, 128)
    weight[..., :64] = 0

    found, whole = (periodogram(blurred, 64, weight=trust) for trust in (weight, torch.ones_like(weight)))

    assert found is not None
    assert whole is not None
    assert (found.tiles, whole.tiles) == (3, 9)
    assert periodogram(blurred, 64, weight=0 * weight) is None


def test_a_sharp_picture_has_no_disk() -> None:
    sharp = taken(delta(), 200, 220)

    with pytest.raises(PsfError, match="no disk explains the picture better than no blur"):
        estimated_shape(sharp, 15, kind="disk", weight=torch.ones_like(sharp))


class Taste:
    """Restores nothing: gives a scene that is sharp for one spread of the PSF and the softer the farther off it is."""

    def __init__(self, wanted: float) -> None:
        self.wanted, self.asked = wanted, list[Psf]()

    def __call__(self, blurred: Image, psf: Psf, weight: Weight) -> Image:
        self.asked.append(psf)
        assert weight.shape == blurred.shape
        size = (blurred.shape[-2], blurred.shape[-1])
        return Blur(gauss(0.3 + 2 * abs(spread(psf) - self.wanted)), size)(leaves(*size))


def judged(blurred: Image, taste: Taste | None, *, kind: Kind = "disk") -> Shape:
    return estimated_shape(blurred, 15, kind=kind, weight=torch.ones_like(blurred), restore=taste)


def number_of(shape: Shape) -> float:
    return float(shape.spec.partition(":")[2].split(",")[0])


def test_results_decide_between_small_sizes_that_the_spectrum_takes_for_alike() -> None:
    blurred = jpeg(taken(disk(1.6), 200, 224, noise=0.01), 75)

    alone = judged(blurred, None)
    small, large = (judged(blurred, Taste(spread(disk(radius)))) for radius in (1.3, 2.0))

    assert number_of(small) < number_of(large)
    assert number_of(small) <= number_of(alone) <= number_of(large)
    assert alone.naturalness is None
    assert small.naturalness is not None
    assert small.naturalness > 0


def test_results_do_not_overrule_what_the_spectrum_shows_clearly() -> None:
    blurred = taken(disk(4.3), 200, 220)
    taste = Taste(spread(disk(3)))

    found = judged(blurred, taste)

    assert number_of(found) == pytest.approx(4.3, rel=0.05)
    spectrum = periodogram(blurred, 64, weight=torch.ones_like(blurred))
    assert spectrum is not None
    tried = [psf for psf in taste.asked if psf.numel() > 1]
    assert tried
    misfit = misfits(spectrum, tried)
    assert float(misfit.max()) <= float(misfit.min()) + 2 * CLOSE


def test_a_line_is_judged_along_its_length_and_its_angle() -> None:
    blurred, taste = taken(motion(5, 30), 200, 220), Taste(spread(motion(5, 30)))

    found = judged(blurred, taste, kind="motion")

    length, angle = (float(number) for number in found.spec.removeprefix("motion:").split(","))
    assert length == pytest.approx(5, abs=0.4)
    assert angle == pytest.approx(30, abs=3)
    assert 3 <= len(taste.asked) <= 12


def test_a_sharp_picture_has_no_disk_however_natural_one_would_look() -> None:
    with pytest.raises(PsfError, match="no disk explains the picture better than no blur"):
        judged(taken(delta(), 200, 220), Taste(spread(disk(2.5))))


def test_progress_of_search_and_judgement_rises_to_1_and_can_stop_the_work() -> None:
    blurred, told = taken(disk(2), 120, 130), list[float]()
    ones, taste = torch.ones_like(blurred), Taste(1.0)

    estimated_shape(blurred, 9, kind="disk", weight=ones, restore=taste, report=told.append)

    assert told == sorted(told)
    assert told[-1] == 1

    def stop(share: float) -> None:
        if share > 0.41:
            raise Cancelled(f"at {share}")

    asked = len(taste.asked)
    with pytest.raises(Cancelled):
        estimated_shape(blurred, 9, kind="disk", weight=ones, restore=taste, report=stop)
    assert len(taste.asked) == asked + 1


def test_the_search_stays_within_the_size_that_was_asked_for() -> None:
    blurred = taken(motion(12, 40), 200, 220)
    found = periodogram(blurred, 64, weight=torch.ones_like(blurred))
    assert found is not None
    search = Search(found, "motion", 11)

    search.minima()
    lengths = [float(spec.removeprefix("motion:").split(",")[0]) for spec in search.known]

    assert max(lengths) == 10
    assert max(size for size, _ in search.sizes_around((9.9, 40.0))) <= 10


def test_lines_that_differ_by_a_half_turn_are_the_same_answer() -> None:
    blurred = taken(motion(5, 1), 120, 130)
    found = periodogram(blurred, 64, weight=torch.ones_like(blurred))
    assert found is not None
    search = Search(found, "motion", 9)

    assert search.alike((5.0, 1.0), (5.2, 178.0))
    assert not search.alike((5.0, 1.0), (5.2, 20.0))
    assert not search.alike((5.0, 1.0), (6.0, 1.0))
