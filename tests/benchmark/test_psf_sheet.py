from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unblur.benchmark.psf_sheet import centroid_offset, describe_centroid, psf_sheet, rank
from unblur.errors import ConfigError, PsfError
from unblur.inverse.regularised import pseudo_inverse
from unblur.psf.parametric import delta, disk, motion
from unblur.tensors import Psf


def test_the_centroid_is_measured_to_the_right_and_downwards_of_the_origin(comma: Psf) -> None:
    assert centroid_offset(comma) == pytest.approx(((1 - 4) / 8, -7 / 8))
    assert describe_centroid(comma) == "centroid 0.38 px to the left, 0.88 px above the origin"
    assert describe_centroid(disk(7)) == "centroid at the origin"


@pytest.mark.parametrize(("noise_to_signal", "terms"), [(1e-2, 16), (1e-3, 32)])
def test_the_rank_of_a_disk_of_7_is_as_computed_by_hand(noise_to_signal: float, terms: int) -> None:
    assert rank(pseudo_inverse(disk(7).double(), noise_to_signal, 121)) == pytest.approx(terms, abs=1)


def test_the_sheet_is_a_wide_picture_that_shows_the_psf_upright(tmp_path: Path) -> None:
    psf_sheet(motion(31, 30), tmp_path / "sheet.png", support=41)

    with Image.open(tmp_path / "sheet.png") as image:
        sheet = np.asarray(image.convert("RGB")).astype(int)
    assert sheet.shape[1] > 2.5 * sheet.shape[0]
    panel = sheet[:, : sheet.shape[1] // 4]
    dark = panel.sum(axis=2) == 0  # the first panel's ground
    rows, columns = np.flatnonzero(dark.sum(1) > 100), np.flatnonzero(dark.sum(0) > 100)
    inside = panel[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].sum(axis=2)
    height, width = inside.shape
    upper_right, upper_left = (
        inside[: height // 2 - 20, width // 2 + 20 :],
        inside[: height // 2 - 20, : width // 2 - 20],
    )
    assert upper_right.mean() > 10 * upper_left.mean() + 1
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_a_point_and_a_lopsided_psf_in_other_formats_can_be_drawn(comma: Psf, tmp_path: Path) -> None:
    psf_sheet(delta(), tmp_path / "point.svg", support=21)
    psf_sheet(comma.double(), tmp_path / "comma.pdf", noise_to_signal=1e-3, support=21)

    assert {path.name for path in tmp_path.iterdir()} == {"point.svg", "comma.pdf"}


@pytest.mark.parametrize("noise_to_signal", [0.0, -1.0, float("nan")])
def test_refuses_a_noise_that_no_inverse_has(noise_to_signal: float, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="noise_to_signal"):
        psf_sheet(disk(3), tmp_path / "sheet.png", noise_to_signal=noise_to_signal)


@pytest.mark.parametrize("name", ["no/sheet.png", "sheet.xyz"])
def test_refuses_places_and_formats_that_cannot_be_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(PsfError, match="cannot be written"):
        psf_sheet(torch.ones(3, 3) / 9, tmp_path / name, support=21)
