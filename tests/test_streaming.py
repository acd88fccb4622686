"""TIFFs restored in bands: the same pixels as in memory, whole or not at all."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import ImageCms
from torch import Tensor
from typer.testing import CliRunner

from tests.conftest import make_chart
from unblur import streaming
from unblur.cli import app
from unblur.errors import Cancelled, ConfigError, ImageError
from unblur.io.read import read_picture
from unblur.io.tiff_rows import TiffRows
from unblur.methods import METHODS
from unblur.psf.grid import PsfGrid
from unblur.restoration import restore_file
from unblur.tensors import Image, Psf, Report

SMALL = 6_000_000
"""Bytes that let wiener work in tiles of about a hundred pixels."""


def chart(dtype: str, channels: int) -> Any:
    """A chart of 230 × 310 in a type's own range; the channels differ."""
    grey = make_chart(230, 310)[0, 0].numpy()
    planes = np.stack([grey, grey[::-1], grey[:, ::-1], np.sqrt(grey)], axis=2)[..., :channels]
    top = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    return (np.rint(planes * top) if top > 1 else planes).astype(dtype)


def photo(path: Path, dtype: str = "uint16", channels: int = 3, **layout: Any) -> Path:
    """A TIFF in strips."""
    options: dict[str, Any] = {"rowsperstrip": 16, "compression": "zlib"} | layout
    pixels = chart(dtype, channels)
    tifffile.imwrite(
        path,
        pixels if channels > 1 else pixels[..., 0],
        photometric="rgb" if channels > 1 else "minisblack",
        extrasamples=["unassalpha"] if channels == 4 else None,
        metadata=None,
        **options,
    )
    return path


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing is streamed until ``undo``."""
    monkeypatch.setattr("unblur.restoration.streamed", lambda *_, **__: None)
    return monkeypatch


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_same_pixels_come_as_in_memory(
    dtype: str, channels: int, tmp_path: Path, comma: Psf, whole: pytest.MonkeyPatch
) -> None:
    path = photo(tmp_path / "a.tif", dtype, channels)
    held = restore_file(path, tmp_path / "held.tif", psf=comma, method="wiener", memory=SMALL)
    whole.undo()

    outcome = restore_file(path, tmp_path / "streamed.tif", psf=comma, method="wiener", memory=SMALL)

    expected, found = read_picture(tmp_path / "held.tif"), read_picture(tmp_path / "streamed.tif")
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    assert (found.pixels.dtype, outcome.method) == (np.dtype(dtype), "wiener")
    assert outcome.residual == held.residual
    assert (found.alpha is None) == (channels != 4)
    if channels == 4:
        np.testing.assert_array_equal(found.alpha, chart(dtype, 4)[..., 3])
    with tifffile.TiffFile(tmp_path / "streamed.tif") as file:
        assert file.pages.first.is_tiled
    with tifffile.TiffFile(tmp_path / "held.tif") as file:
        assert not file.pages.first.is_tiled


class LessItsMean:
    """A method that takes from each tile the mean of the rows that it sampled of the whole."""

    def __init__(self, mean: float | None = None) -> None:
        self.mean = mean

    def sample(self, picture: Tensor) -> Tensor:
        return torch.cat([picture[..., 3:50, :], picture[..., 120:121, :]], dim=-2)

    def surveyed(self, sample: Image, *, weight: Image | None = None) -> "LessItsMean":
        assert sample.shape[-2] == 48
        assert weight is None
        return LessItsMean(float(sample.mean()))

    def __call__(
        self, blurred: Image, psf: Psf, *, weight: Image | None = None, report: Report | None = None
    ) -> Tensor:
        del psf, weight, report
        assert self.mean is not None
        return blurred - self.mean


@pytest.mark.parametrize("name", ["separable", "wiener"])
def test_methods_that_look_at_the_whole_first_or_never_give_the_same(
    name: str, tmp_path: Path, comma: Psf, whole: pytest.MonkeyPatch
) -> None:
    surveying = dataclasses.replace(METHODS["wiener"], build=lambda *_: LessItsMean())
    path = photo(tmp_path / "a.tif", "uint8", 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, "wiener", surveying)
        restore_file(path, tmp_path / "held.tif", psf=comma, method=name, tile=160)
        whole.undo()
        patch.setattr(streaming, "LARGE", 1000)
        restore_file(path, tmp_path / "streamed.tif", psf=comma, method=name, tile=160)

    with tifffile.TiffFile(tmp_path / "streamed.tif") as file:
        assert file.pages.first.is_tiled
    held = read_picture(tmp_path / "held.tif").pixels
    np.testing.assert_array_equal(read_picture(tmp_path / "streamed.tif").pixels, held)
    assert held.max() > held.min()


def test_a_psf_that_varies_is_streamed_too(tmp_path: Path, comma: Psf, whole: pytest.MonkeyPatch) -> None:
    path = photo(tmp_path / "a.tif")
    grid = PsfGrid.evenly([[comma, comma.flip(0), comma], [comma.flip(1), comma, comma.T.contiguous()]])
    held = restore_file(path, tmp_path / "held.tif", psf=grid, method="hyper-laplacian", memory=20_000_000)
    whole.undo()

    restore_file(path, tmp_path / "streamed.tif", psf=grid, method="hyper-laplacian", memory=20_000_000)

    assert held.residual is None
    np.testing.assert_array_equal(
        read_picture(tmp_path / "streamed.tif").pixels, read_picture(tmp_path / "held.tif").pixels
    )


def test_profile_and_words_come_along(tmp_path: Path, comma: Psf) -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = photo(tmp_path / "a.tif", iccprofile=icc, description="a comet")

    restore_file(path, tmp_path / "b.tif", psf=comma, method="wiener", memory=SMALL)

    found, given = read_picture(tmp_path / "b.tif"), read_picture(path)
    assert found.icc == icc
    assert found.exif is not None
    assert given.exif is not None
    assert b"a comet" in found.exif


def test_never_more_rows_are_read_than_a_row_of_tiles_needs(
    tmp_path: Path, comma: Psf, monkeypatch: pytest.MonkeyPatch
) -> None:
    heights: list[int] = []
    true = TiffRows.read

    def watched(self: TiffRows, rows: slice) -> Tensor:
        heights.append(rows.stop - rows.start)
        return true(self, rows)

    monkeypatch.setattr(TiffRows, "read", watched)

    restore_file(photo(tmp_path / "a.tif"), tmp_path / "b.tif", psf=comma, method="wiener", tile=20, memory=None)
    assert heights == []  # small, and no memory was named: read as a whole
    restore_file(photo(tmp_path / "a.tif"), tmp_path / "c.tif", psf=comma, method="wiener", memory=5_000_000)

    assert len(heights) > 2
    assert max(heights[:-1]) < 180  # the last one is the middle, from which the residual is taken


def test_progress_rises_to_one_and_a_stop_leaves_nothing(tmp_path: Path, comma: Psf) -> None:
    path, told = photo(tmp_path / "a.tif"), list[float]()

    restore_file(path, tmp_path / "b.tif", psf=comma, method="wiener", memory=SMALL, progress=told.append)

    assert told == sorted(told)
    assert told[-1] == 1

    def stop(share: float) -> None:
        if share > 0.5:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        restore_file(path, tmp_path / "c.tif", psf=comma, method="wiener", memory=SMALL, progress=stop)
    assert {file.name for file in tmp_path.iterdir()} == {"a.tif", "b.tif"}


def test_a_damaged_file_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    path = photo(tmp_path / "a.tif", compression=None)
    path.write_bytes(path.read_bytes()[:-50_000])

    result = CliRunner().invoke(
        app, ["restore", str(path), "--psf", "disk:2", "--method", "wiener", "--memory", "8M", "-q"]
    )

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "a.tif" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]


def test_numbers_that_are_no_picture_are_refused_before_the_work(tmp_path: Path, comma: Psf) -> None:
    pixels = chart("float32", 1)[..., 0]
    pixels[200, 3] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", pixels, rowsperstrip=16, metadata=None)

    with pytest.raises(ImageError, match="1 of 71300 values are NaN"):
        restore_file(tmp_path / "a.tif", tmp_path / "b.tif", psf=comma, method="wiener", memory=SMALL)


def test_a_method_of_the_whole_says_so_where_the_picture_is_too_large(
    tmp_path: Path, comma: Psf, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photo(tmp_path / "a.tif")
    monkeypatch.setattr(streaming, "LARGE", 1000)
    restore_file(path, tmp_path / "b.tif", psf=comma, method="hyper-laplacian")
    monkeypatch.setattr(streaming, "LIMIT", 70_000)

    with pytest.raises(ConfigError, match=r"hyper-laplacian must see .*a\.tif as a whole, .* wiener for instance"):
        restore_file(path, tmp_path / "c.tif", psf=comma, method="hyper-laplacian")
    monkeypatch.setattr(streaming, "LIMIT", 400_000_000)
    with pytest.raises(ConfigError, match="hyper-laplacian refuses tiles"):
        restore_file(path, tmp_path / "c.tif", psf=comma, method="hyper-laplacian", memory=SMALL)


def test_into_another_format_a_picture_is_read_as_a_whole(tmp_path: Path, comma: Psf) -> None:
    restore_file(photo(tmp_path / "a.tif"), tmp_path / "b.png", psf=comma, method="wiener", memory=SMALL)

    assert read_picture(tmp_path / "b.png").size == (230, 310)
