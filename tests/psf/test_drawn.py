"""A path drawn by hand as a PSF."""

import pytest
import torch

from unblur.errors import PsfError
from unblur.psf.drawn import drawn


def centroid(psf: torch.Tensor) -> tuple[float, float]:
    """x and y from the middle of the array."""
    kh, kw = psf.shape
    x = float((psf.sum(0) * (torch.arange(kw) - kw // 2)).sum())
    y = float((psf.sum(1) * (torch.arange(kh) - kh // 2)).sum())
    return x, y


def test_a_path_keeps_its_shape_and_direction() -> None:
    hook = drawn([(0, 0), (10, 0), (10, 4)], width=1)  # to the right, then down

    kh, kw = hook.shape
    assert (kh % 2, kw % 2) == (1, 1)
    assert kw > kh
    corner = (hook > 0.3 * hook.max()).nonzero()
    assert corner[:, 0].min() < kh // 2  # the long part lies above the centroid
    lowest = corner[corner[:, 0] == corner[:, 0].max()]
    assert int(lowest[:, 1].min()) > kw // 2  # the short one on its right


def test_it_is_a_psf_whose_light_is_centred() -> None:
    psf = drawn([(3, 100), (17.3, 104), (11, 117.9)], width=2.2)

    torch.testing.assert_close(psf.sum(), torch.tensor(1.0))
    assert (psf >= 0).all()
    assert max(map(abs, centroid(psf))) < 0.01


def test_slow_strokes_are_no_brighter_than_quick_ones() -> None:
    slow = drawn([(k / 10, 0) for k in range(100)] + [(20, 0)], width=1)
    quick = drawn([(0, 0), (20, 0)], width=1)

    torch.testing.assert_close(slow, quick, atol=2e-3, rtol=0)


def test_a_wider_line_blurs_more() -> None:
    narrow, wide = drawn([(0, 0), (8, 3)], width=1), drawn([(0, 0), (8, 3)], width=4)

    assert wide.shape[0] > narrow.shape[0]
    assert wide.max() < narrow.max()


def test_a_single_point_is_a_spot() -> None:
    spot = drawn([(7, 9)], width=2)

    torch.testing.assert_close(spot, spot.flip(0, 1), atol=1e-6, rtol=0)
    torch.testing.assert_close(spot, spot.T, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("points", "width"),
    [([], 1.0), ([(0, 0)], 0.1), ([(0, 0)], 60.0), ([(0.0, float("nan"))], 1.0), ([(0, 0), (2500, 0)], 1.0)],
)
def test_what_cannot_be_drawn_is_refused(points: list[tuple[float, float]], width: float) -> None:
    with pytest.raises(PsfError):
        drawn(points, width=width)


def test_a_scribble_without_end_is_refused() -> None:
    with pytest.raises(PsfError, match="px long"):
        drawn([(0, 0), (100, 0)] * 30)
