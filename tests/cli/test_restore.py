"""The command, through its own parser."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from tests.conftest import make_chart
from unblur.cli import app
from unblur.io.read import read_picture
from unblur.methods import METHODS
from unblur.restoration import restore


def run(*words: object) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A grey photograph of 48 × 64."""
    path = tmp_path / "moon.png"
    Image.fromarray((make_chart(48, 64)[0, 0].numpy() * 255).astype(np.uint8)).save(path)
    return path


def test_one_photograph_is_one_line_and_equals_the_library(photo: Path) -> None:
    result = run("restore", photo, "--psf", "disk:2", "--method", "wiener", "--set", "noise_to_signal=0.02")

    output = photo.with_name("moon-restored.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{output}  wiener  ")
    assert result.stdout.count("\n") == 1
    expected = restore(
        read_picture(photo).pixels[..., 0], "disk:2", method="wiener", settings={"noise_to_signal": 0.02}
    )
    np.testing.assert_array_equal(read_picture(output).pixels[..., 0], expected)


def test_the_method_that_is_taken_by_default_is_said_on_stderr(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unblur.methods.default_method", lambda _: "wiener")

    result = run("restore", photo, "--psf", "disk:2")

    assert "no method named, taking wiener" in result.stderr
    assert "no method named" not in result.stdout


def test_quiet_says_nothing(photo: Path) -> None:
    result = run("restore", photo, "--psf", "disk:2", "--method", "wiener", "--quiet")

    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--psf", "disk:-1"], "disk"),
        (["--psf", "disk:2", "--set", "noise"], "expected KEY=VALUE"),
        (["--psf", "disk:2", "--set", "iterations=3", "--method", "wiener"], "no setting 'iterations'"),
        (["--psf", "disk:2", "--memory", "many"], "2G for instance"),
        (["--psf", "disk:2", "--method", "magic"], "expected one of wiener"),
        (["--psf", "disk:2", "--method", "wiener", "--device", "cuda:99"], "not to be had here"),
        (["--psf", "disk:40", "--method", "wiener"], "expected at most the picture's 64 x 48"),
        (["--psf", "disk:2", "--method", "wiener", "-o", "missing/sharp.png"], "is not a folder"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_exit_code_2(words: list[str], message: str, photo: Path) -> None:
    result = run("restore", photo, *words)

    assert result.exit_code == 2
    lines = [line for line in result.stderr.splitlines() if "no method named" not in line]
    assert len(lines) == 1
    assert lines[0].startswith("unblur: ")
    assert message in lines[0]


def test_an_existing_output_needs_overwrite(photo: Path) -> None:
    output = photo.with_name("sharp.png")
    output.write_text("precious")

    refused = run("restore", photo, "--psf", "disk:2", "--method", "wiener", "-o", output)
    kept = output.read_text(errors="replace")
    allowed = run("restore", photo, "--psf", "disk:2", "--method", "wiener", "-o", output, "--overwrite")

    assert (refused.exit_code, kept, allowed.exit_code) == (2, "precious", 0)
    assert read_picture(output).size == (48, 64)


def test_of_several_photographs_the_good_ones_are_restored_and_the_bad_ones_listed(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("nothing")
    folder = tmp_path / "out"
    folder.mkdir()

    result = run("restore", tmp_path / "bad.png", photo, "--psf", "disk:2", "--method", "wiener", "-o", folder)

    assert result.exit_code == 1
    assert [path.name for path in folder.iterdir()] == ["moon-restored.png"]
    assert result.stderr.splitlines()[-1] == "unblur: 1 of 2 photographs failed"
    assert "bad.png" in result.stderr


def test_several_photographs_need_a_folder(photo: Path, tmp_path: Path) -> None:
    result = run("restore", photo, photo, "--psf", "disk:2", "-o", tmp_path / "one.png")

    assert result.exit_code == 2
    assert "is not a folder, expected one for 2 photographs" in result.stderr


def test_a_mask_and_tiles_are_passed_on(photo: Path, tmp_path: Path) -> None:
    mask = np.full((48, 64), 255, np.uint8)
    mask[10:14, 20:30] = 0
    Image.fromarray(mask).save(tmp_path / "mask.png")

    words = ("restore", photo, "--psf", "disk:2", "--method", "wiener", "--weight", tmp_path / "mask.png")
    result = run(*words, "--transfer", "encoded", "-o", tmp_path / "a.png")
    tiled = run(*words, "--tile", "40", "-o", tmp_path / "b.png")

    expected = restore(read_picture(photo).pixels[..., 0], "disk:2", method="wiener", transfer="encoded", weight=mask)
    assert (result.exit_code, tiled.exit_code) == (0, 0)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").pixels[..., 0], expected)


def test_methods_are_listed_for_people_and_programs() -> None:
    table, listing = run("methods"), run("methods", "--json")

    assert table.exit_code == 0
    rows = json.loads(listing.stdout)
    assert [row["name"] for row in rows] == list(METHODS)
    assert rows[0]["settings"]["noise_to_signal"] == 0.01
    assert "wiener" in table.stdout


def test_help_does_not_load_torch() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from unblur.cli import app;"
        "result = CliRunner().invoke(app, ['--help']); assert result.exit_code == 0, result.output;"
        "assert 'restore' in result.output; sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_version_is_said() -> None:
    from unblur import __version__

    assert run("--version").stdout == f"unblur {__version__}\n"
