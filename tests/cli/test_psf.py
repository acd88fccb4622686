import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from unblur.cli.psf import app
from unblur.io.psf import read_psf
from unblur.psf.parametric import disk, motion


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_show_draws_a_sheet_and_says_size_centroid_and_rank(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["show", "disk:7"])

    assert result.exit_code == 0, result.output
    assert "15 x 15 px" in result.output
    assert "at the origin" in result.output
    assert "16 (singular values" in result.output
    with Image.open(tmp_path / "psf-disk-7.png") as image:
        assert image.width > 1000


def test_show_reads_files_and_turns_or_recentres_them_when_asked(tmp_path: Path) -> None:
    values = np.zeros((3, 5))
    values[0, 4] = 1
    np.save(tmp_path / "k.npy", values)

    as_stored = CliRunner().invoke(app, ["show", "k.npy", "-o", "a.png"])
    flipped = CliRunner().invoke(app, ["show", "k.npy", "-o", "b.png", "--flip-psf"])
    recentred = CliRunner().invoke(app, ["show", "k.npy", "-o", "c.png", "--recentre"])

    assert "2.00 px to the right, 1.00 px above" in as_stored.output
    assert "2.00 px to the left, 1.00 px below" in flipped.output
    assert "at the origin" in recentred.output


def test_save_writes_what_read_psf_reads(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["save", "motion:15,30", "-o", "k.npy"])

    assert result.exit_code == 0, result.output
    assert torch.equal(read_psf(tmp_path / "k.npy"), motion(15, 30))


def test_an_existing_output_is_replaced_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "k.npy").write_text("mine")

    refused = CliRunner().invoke(app, ["save", "disk:3", "-o", "k.npy"])

    assert refused.exit_code == 2
    assert "exists already" in refused.stderr
    assert (tmp_path / "k.npy").read_text() == "mine"
    replaced = CliRunner().invoke(app, ["save", "disk:3", "-o", "k.npy", "--overwrite"])
    assert replaced.exit_code == 0
    assert torch.equal(read_psf(tmp_path / "k.npy"), disk(3))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["show", "dsik:7"], "did you mean disk:7.5"),
        (["show", "missing.png"], "missing.png does not exist"),
        (["show", "disk:7", "-o", "sheet.gif"], "expected one of .png .pdf .svg"),
        (["show", "disk:7", "--noise-to-signal", "0"], "noise_to_signal"),
        (["save", "disk:7", "-o", "k.jpg"], "expected one of .npy .png"),
    ],
)
def test_mistakes_are_one_line_on_stderr_and_exit_code_2(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 2
    assert complaint in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_show_draws_the_psfs_of_a_table_in_their_rows_and_columns(tmp_path: Path) -> None:
    (tmp_path / "lens.toml").write_text(
        'grid = [["disk:6", "disk:1.5", "disk:6"], ["motion:13,0", "delta", "gauss:1"]]'
    )

    result = CliRunner().invoke(app, ["show", "lens.toml", "--json"])

    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["places"], told["height"], told["width"], told["picture"]) == (6, 13, 13, "psf-lens.toml.png")
    with Image.open(tmp_path / "psf-lens.toml.png") as image:
        bright = np.asarray(image.convert("L")).astype(int)
    assert image.width > image.height > 500
    assert "2 x 3, rows by columns" in CliRunner().invoke(app, ["show", "lens.toml", "-o", "again.png"]).stdout
    assert bright.std() > 40


def test_save_takes_a_single_psf_only(tmp_path: Path) -> None:
    (tmp_path / "lens.toml").write_text('grid = [["disk:3", "disk:2"]]')

    result = CliRunner().invoke(app, ["save", "lens.toml", "-o", "k.npy"])

    assert result.exit_code == 2
    assert "restore, degrade and psf show take tables" in result.stderr
