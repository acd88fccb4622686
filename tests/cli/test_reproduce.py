"""``unblur reproduce`` at its door."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.benchmark.test_suites import photograph
from unblur.cli.reproduce import reproduce

app = typer.Typer()
app.command()(reproduce)


def unblur(*arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of ``unblur reproduce``."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_folder_of_photographs_gives_a_report(tmp_path: Path) -> None:
    photograph(tmp_path / "photos" / "a.png", 66, 74)
    out = tmp_path / "out"

    code, stdout, stderr = unblur(
        "fig4", "--photos", tmp_path / "photos", "-o", out, "--methods", "dcnn", "--device", "cpu"
    )

    assert code == 0, stderr
    assert stdout.split() == [str(out / "report.html")]
    assert "dcnn, random start" in (out / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fig6", "--photos", "."], "'fig6' cannot be reproduced"),
        (["fig4"], "--data"),
        (["fig4", "--photos", ".", "--data", "."], "one source"),
        (["fig4", "--photos", "."], "no photograph"),
        (["fig4", "--data", "."], "no such folder"),
        (["fig4", "--photos", ".", "--methods", "wienner"], "no method"),
        (["fig4", "--photos", ".", "--tuned", "none.json"], "cannot be read"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_two(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    code, _, stderr = unblur(*arguments, "-o", "out")

    assert code == 2
    assert stderr.startswith("unblur: ")
    assert message in stderr
    assert len(stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
