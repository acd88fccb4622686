"""``unblur benchmark`` at its door."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.benchmark.test_suites import photograph
from unblur.benchmark import tune as tune_module
from unblur.cli.benchmark import benchmark

app = typer.Typer()
app.command()(benchmark)


def unblur(*arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of ``unblur benchmark``."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_own_photographs_give_rows_a_report_and_figures(tmp_path: Path) -> None:
    photograph(tmp_path / "photos" / "a.png")
    photograph(tmp_path / "photos" / "b.jpg", seed=1)
    out = tmp_path / "out"

    code, stdout, stderr = unblur(
        "--photos", tmp_path / "photos", "--psf", "disk:2", "--psf", "gauss:1", "--saturated", "--jpeg", "90",
        "--methods", "wiener,calm=wiener:noise_to_signal=0.1", "-o", out,
    )  # fmt: skip

    assert code == 0, stderr
    assert "| calm |" in stdout
    assert (out / "report.md").read_text() == stdout.rstrip("\n") + "\n"
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == 2 * 2 * 3
    assert {row["column"] for row in rows} == {"disk:2-sat", "gauss:1-sat"}
    assert all(row["camera"]["jpeg"] == 90 and row["camera"]["transfer"] == "linear" for row in rows)
    figures = {path.name for path in out.glob("*.png")}
    assert figures == {"photos.png", "photos-disk_2-sat.png", "photos-gauss_1-sat.png"}


def test_the_paper_suite_runs_from_a_data_folder(tmp_path: Path) -> None:
    photograph(tmp_path / "test" / "kodak24" / "k.png", 76, 90)

    code, stdout, stderr = unblur("paper", "--data", tmp_path, "--methods", "wiener", "-o", tmp_path / "out")

    assert code == 0, stderr
    assert "| | disk | disk-sat | motion | motion-sat |" in stdout
    assert "too small for 384" in stdout


def test_tuning_uses_val_and_its_choice_is_used_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tune_module.GRIDS, "wiener", {"noise_to_signal": (0.01, 0.04)})
    photograph(tmp_path / "val" / "v.png", 76, 90)
    photograph(tmp_path / "test" / "kodak24" / "k.png", 76, 90)
    out = tmp_path / "out"

    code, stdout, stderr = unblur("paper", "--data", tmp_path, "--tune", "--methods", "wiener", "-o", out)

    assert code == 0, stderr
    assert "noise_to_signal 0.0" in stdout
    assert {json.loads(line)["photo"] for line in (out / "rows.jsonl").read_text().splitlines()} == {"v.png"}
    chosen = json.loads((out / "tuned.json").read_text())["wiener"]["settings"]["noise_to_signal"]
    code, stdout, stderr = unblur(
        "paper", "--data", tmp_path, "--tuned", out / "tuned.json", "--methods", "wiener", "-o", tmp_path / "results"
    )
    assert code == 0, stderr
    assert f"wiener (noise_to_signal {chosen}" in stdout


def test_speed_gives_a_table(tmp_path: Path) -> None:
    code, stdout, stderr = unblur(
        "--speed", "--methods", "wiener", "--psf", "disk:2", "--megapixels", "0.01", "--threads", "1",
        "--device", "cpu", "-o", tmp_path / "out",
    )  # fmt: skip

    assert code == 0, stderr
    assert "| FFT inverse |" in stdout
    assert "| wiener |" in stdout
    assert (tmp_path / "out" / "speed.md").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["paper", "--methods", "wiener", "--data", "."], "-o"),
        (["paper", "--methods", "wiener", "-o", "out"], "--data"),
        (["--methods", "wiener", "-o", "out", "--data", "."], "no suite"),
        (["--methods", "nothing", "-o", "out"], "no method"),
        (["--photos", "none", "--psf", "disk:2", "--methods", "wiener", "-o", "out"], "no such folder"),
        (["--photos", ".", "--psf", "disk:2", "--methods", "wiener", "-o", "out", "--jpeg", "0"], "jpeg"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_two(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    code, _, stderr = unblur(*arguments)

    assert code == 2
    assert stderr.startswith("unblur: ")
    assert message in stderr
    assert len(stderr.strip().splitlines()) == 1
