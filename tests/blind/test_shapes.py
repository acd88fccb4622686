"""Disks and lines by the spectrum."""

import pytest
import torch

from tests.blind.scenes import taken
from unblur.blind.shapes import estimated_shape
from unblur.blind.spectrum import misfits, periodogram
from unblur.degrade.jpeg import jpeg
from unblur.errors import PsfError
from unblur.psf.parametric import delta, disk, motion


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

    with pytest.raises(PsfError, match="no disk explains the picture's spectrum better than no blur"):
        estimated_shape(sharp, 15, kind="disk", weight=torch.ones_like(sharp))
