"""``unblur restore FOLDER``: what it says, and its exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.folder.album import album, files, photograph
from unblur.cli import app
from unblur.folder.record import RECORD

BY = ("--psf", "disk:2", "--method", "wiener")


def run(*words: object) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return album(tmp_path / "in", "a.png", "b/a.png", "c.jpg")


def test_a_folder_is_restored_into_a_folder_beside_it(folder: Path) -> None:
    result = run("restore", folder, *BY)

    out = folder.with_name("in-restored")
    assert result.exit_code == 0, result.output
    assert [line.split("  ")[:2] for line in result.stdout.splitlines()] == [
        [str(out / name), "wiener"] for name in ("a-restored.png", "b/a-restored.png", "c-restored.jpg")
    ]
    assert set(files(out)) == {"a-restored.png", "b/a-restored.png", "c-restored.jpg", RECORD}


def test_the_same_command_again_says_what_was_done_before(folder: Path, tmp_path: Path) -> None:
    run("restore", folder, *BY, "-o", tmp_path / "out")
    photograph(folder / "d.png")

    result = run("restore", folder, *BY, "-o", tmp_path / "out")

    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == "unblur: 1 restored, 3 were done before\n"


def test_failures_are_listed_at_the_end_and_the_exit_code_is_1(folder: Path, tmp_path: Path) -> None:
    (folder / "aa.png").write_text("nothing")

    result = run("restore", folder, *BY, "-o", tmp_path / "out")

    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 3
    listed = result.stderr.splitlines()
    assert str(folder / "aa.png") in listed[0]
    assert listed[1:] == ["unblur: 1 of 4 photographs failed"]


def test_another_psf_is_refused_unless_results_may_be_overwritten(folder: Path, tmp_path: Path) -> None:
    run("restore", folder, *BY, "-o", tmp_path / "out")
    before = files(tmp_path / "out")

    refused = run("restore", folder, "--psf", "disk:3", "--method", "wiener", "-o", tmp_path / "out")
    kept = files(tmp_path / "out")
    allowed = run("restore", folder, "--psf", "disk:3", "--method", "wiener", "-o", tmp_path / "out", "--overwrite")

    assert refused.exit_code == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "3 results of other settings (psf " in refused.stderr
    assert kept == before
    assert (allowed.exit_code, len(allowed.stdout.splitlines())) == (0, 3)


def test_rows_for_scripts_name_every_photograph_in_order(folder: Path, tmp_path: Path) -> None:
    run("restore", folder, *BY, "-o", tmp_path / "out")
    (folder / "b" / "bad.png").write_text("nothing")
    photograph(folder / "d.png")

    result = run("restore", folder, *BY, "-o", tmp_path / "out", "--json", "--quiet")

    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert [(Path(row["photo"]).name, row["state"]) for row in rows] == [
        ("a.png", "skipped"),
        ("a.png", "skipped"),
        ("bad.png", "failed"),
        ("c.jpg", "skipped"),
        ("d.png", "restored"),
    ]
    assert rows[4]["output"] == str(tmp_path / "out" / "d-restored.png")
    assert rows[4]["method"] == rows[0]["method"] == "wiener"
    assert rows[4]["seconds"] > 0
    assert "bad.png" in rows[2]["error"]
    assert rows[4]["error"] is None


def test_one_photograph_gives_one_row(folder: Path) -> None:
    good = run("restore", folder / "a.png", *BY, "--json")
    again = run("restore", folder / "a.png", *BY, "--json")

    assert (good.exit_code, again.exit_code) == (0, 2)
    assert json.loads(good.stdout)["state"] == "restored"
    assert json.loads(again.stdout)["state"] == "failed"
    assert "exists already" in json.loads(again.stdout)["error"]
    assert len(again.stderr.splitlines()) == 1


def test_quiet_says_nothing_of_a_folder(folder: Path) -> None:
    first, again = run("restore", folder, *BY, "-q"), run("restore", folder, *BY, "-q")

    assert (first.exit_code, first.output, again.exit_code, again.output) == (0, "", 0, "")


def test_photographs_of_one_name_do_not_replace_each_other(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    result = run(
        "restore", folder / "a.png", folder / "b" / "a.png", *BY, "-o", tmp_path / "out", "--overwrite"
    )  # fmt: skip

    assert result.exit_code == 2
    assert "would both become" in result.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{in}", "{in}/a.png", *BY], "is a folder, expected it alone"),
        (["{in}", *BY, "--compare", "sheet.png"], "--compare draws one photograph, got the folder"),
        (["{in}", *BY, "-o", "{in}"], "holds the photographs, expected another folder"),
        (["{in}", *BY, "-o", "{in}/c.jpg"], "is a file, expected a folder"),
        (["{in}", "--psf", "disk:2", "--method", "magic"], "expected one of wiener"),
        (["{in}", *BY, "--workers", "2"], "--workers belongs to --engine ray"),
        (["{in}/a.png", *BY, "--engine", "ray"], "belong to a folder, got photographs"),
        (["{in}/b/void", *BY], "holds no photograph"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words: list[str], message: str, folder: Path) -> None:
    (folder / "b" / "void").mkdir()
    before = files(folder.parent)

    result = run("restore", *(word.replace("{in}", str(folder)) for word in words))

    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert message in result.stderr
    assert files(folder.parent) == before


def test_a_cluster_without_ray_is_one_line_and_exit_code_2(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unblur.folder.cluster.find_spec", lambda _: None)

    result = run("restore", folder, *BY, "--engine", "ray")

    assert result.exit_code == 2
    assert result.stderr == (
        "unblur: --engine ray needs Ray Data, which is not installed; pip install unblur[cluster]\n"
    )
