"""What the machine refuses, and who presses Ctrl-C: one sentence, too, and an exit code that says which."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import unblur.restoration
from unblur.cli import app


def restored(photos: list[Path], raised: BaseException, monkeypatch: pytest.MonkeyPatch) -> Result:
    """``unblur restore`` where restoring raises."""

    def refuse(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr(unblur.restoration, "restore_file", refuse)
    return CliRunner().invoke(app, ["restore", *map(str, photos), "--psf", "disk:2", "-q"])


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (OSError(28, "No space left on device", "a.png"), "a.png: No space left on device"),
        (PermissionError(13, "Permission denied", "a.png"), "a.png: Permission denied"),
        (MemoryError(), "too little memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            "too little memory",
        ),
    ],
)
def test_what_the_machine_refuses_is_one_sentence(
    raised: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = restored([Path("a.png")], raised, monkeypatch)

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"unblur: {words}" if "a.png" in words else "unblur: there is")


def test_a_bug_still_shows_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    result = restored([Path("a.png")], RuntimeError("the size of tensor a (3) must match"), monkeypatch)

    assert isinstance(result.exception, RuntimeError)


def test_ctrl_c_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    result = restored([Path("a.png")], KeyboardInterrupt(), monkeypatch)

    assert result.exit_code == 130
    assert len(result.stderr.splitlines()) == 1
    assert "goes on" in result.stderr


def test_ctrl_c_while_the_words_are_read_says_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("typer.core.TyperGroup.make_context", interrupt)
    result = CliRunner().invoke(app, ["restore", "a.png", "--psf", "disk:2"])

    assert result.exit_code == 130
    assert result.stderr.startswith("unblur: stopped")


def test_one_photograph_that_the_machine_refuses_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    photos = [tmp_path / name for name in ("one.png", "two.png")]
    for photo in photos:
        Image.new("L", (20, 20), 99).save(photo)
    before, seen = unblur.restoration.restore_file, []

    def second_only(photo: Path, *arguments: Any, **settings: Any) -> Any:
        seen.append(photo.name)
        if photo.name == "one.png":
            raise PermissionError(13, "Permission denied", str(photo))
        return before(photo, *arguments, **settings)

    monkeypatch.setattr(unblur.restoration, "restore_file", second_only)
    words = ["restore", *map(str, photos), "--psf", "disk:2", "--method", "wiener", "-q"]
    result = CliRunner().invoke(app, words)

    assert seen == ["one.png", "two.png"]
    assert result.exit_code == 1
    assert (tmp_path / "two-restored.png").exists()
    assert "1 of 2 photographs failed" in result.stderr


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    name = tmp_path / "a\x1b[2J\n\u202eb.png"
    name.write_bytes(b"no picture")

    result = CliRunner().invoke(app, ["restore", str(name), "--psf", "disk:2", "--method", "wiener", "-q"])

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "a\\x1b[2J\\n\\u202eb.png is not a picture" in result.stderr
