"""Figures: that they show what they are given."""

from pathlib import Path

import torch
from PIL import Image as PillowImage

from tests.conftest import make_chart
from unblur.benchmark.suites import DISK_PSF
from unblur.io.psf import read_psf
from unblur.reproduce.drawing import busiest, mosaic
from unblur.reproduce.maps import strongest_maps


def test_the_busiest_window_lies_where_the_edges_are() -> None:
    picture = torch.full((1, 1, 40, 60), 0.5)
    picture[..., 24:32:2, 41:49] = 1

    rows, columns = busiest(picture, 12)

    assert rows.start <= 24
    assert rows.stop >= 31
    assert columns.start <= 41
    assert columns.stop >= 48
    assert (rows.stop - rows.start, columns.stop - columns.start) == (12, 12)


def test_a_picture_smaller_than_the_window_is_taken_whole() -> None:
    rows, columns = busiest(make_chart(20, 20), 64)

    assert (rows, columns) == (slice(0, 20), slice(0, 20))


def test_a_mosaic_wraps_its_lines(tmp_path: Path) -> None:
    panels = [(str(number), make_chart(20, 20)) for number in range(5)]

    mosaic(panels, tmp_path / "two.png", columns=3)
    mosaic(panels[:3], tmp_path / "one.png", columns=3)

    with PillowImage.open(tmp_path / "two.png") as two, PillowImage.open(tmp_path / "one.png") as one:
        assert two.width == one.width
        assert abs(two.height - 2 * one.height) <= 1


def test_the_shown_maps_are_stretched_and_differ_between_the_starts() -> None:
    psf, blurred = read_psf(DISK_PSF), make_chart(60, 70)

    random = strongest_maps(blurred, psf, start="random")
    separable = strongest_maps(blurred, psf, start="separable")

    for maps in (random, separable):
        assert len({number for number, _ in maps}) == 3
        for _, image in maps:
            assert image.shape == (1, 1, 60, 70)
            assert float(image.median()) == 0.5
            assert float(image.max()) == 1 or float(image.min()) == 0
    assert not torch.allclose(random[0][1], separable[0][1], atol=0.05)
