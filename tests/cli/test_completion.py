"""Completion of the command line by the shells that the manual names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNBLUR = Path(sys.executable).with_name("unblur")
COMPLETE = "_UNBLUR_COMPLETE"


def answer(words: str, shell: str = "bash") -> list[str]:
    """What the program offers after these words, of which the last is begun."""
    asked = {
        "bash": {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": words},
        "fish": {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    code = (
        "import sys; sys.argv = ['unblur']; from unblur.cli import app\n"
        "try: app(prog_name='unblur')\n"
        "finally: assert 'torch' not in sys.modules, 'completion must not wait for PyTorch'"
    )
    environment = {**os.environ, **asked, COMPLETE: f"complete_{shell}"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "AssertionError" not in told.stderr
    return told.stdout.split()


def test_commands_are_completed_in_bash() -> None:
    assert answer("unblur re") == ["restore", "reproduce"]


def test_options_are_completed() -> None:
    assert "--json" in answer("unblur psf estimate --j")


def test_what_an_option_may_be_is_completed() -> None:
    assert answer("unblur restore --engine ") == ["local", "ray"]


def test_zsh_and_fish_are_answered_too() -> None:
    assert "reproduce" in " ".join(answer("unblur re", "zsh"))
    assert "reproduce" in " ".join(answer("unblur re", "fish"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed_and_is_one(shell: str) -> None:
    code = "import sys; sys.argv = ['unblur', '--show-completion', sys.argv[1]]; from unblur.cli import app; app()"
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}

    told = subprocess.run(
        [sys.executable, "-c", code, shell], env=environment, capture_output=True, text=True, check=True
    )

    assert COMPLETE in told.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=told.stdout, text=True, check=True)


@pytest.mark.skipif(not (shutil.which("bash") and UNBLUR.exists()), reason="no bash here, or unblur is not installed")
def test_bash_itself_completes_a_command() -> None:
    lines = f"""
        PATH="{UNBLUR.parent}:$PATH"
        source <(env {COMPLETE}=source_bash unblur)
        COMP_WORDS=(unblur psf me) COMP_CWORD=2
        _unblur_completion unblur
        echo "${{COMPREPLY[@]}}"
    """

    told = subprocess.run(["bash", "-c", lines], capture_output=True, text=True, check=True)

    assert told.stdout.split() == ["measure"]
