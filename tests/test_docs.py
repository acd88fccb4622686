"""The documents keep up with the code: every command and method is described, and what is shown runs."""

import re
import shlex
from itertools import takewhile
from pathlib import Path

import pytest
import typer
import yaml

from unblur.cli import app
from unblur.methods import METHODS

ROOT = Path(__file__).parents[1]
DOCUMENTS = {path: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]}
EVERYTHING = "\n".join(DOCUMENTS.values())
COMMANDS = typer.main.get_command(app)


def shown_commands() -> list[str]:
    lines = (line.strip() for text in DOCUMENTS.values() for line in text.splitlines())
    return sorted({line.split("  #")[0].strip() for line in lines if line.startswith("unblur ")})


def command_of(words: list[str]) -> tuple[object, list[str]]:
    command = COMMANDS
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize("name", sorted(COMMANDS.commands))  # type: ignore[attr-defined]
def test_every_command_is_in_the_documents(name: str) -> None:
    assert f"unblur {name}" in EVERYTHING


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_in_the_documents(name: str) -> None:
    assert f"`{name}`" in EVERYTHING


@pytest.mark.parametrize("line", shown_commands())
def test_every_shown_command_has_only_options_that_exist(line: str) -> None:
    ours = list(takewhile(lambda word: word != "|", shlex.split(line)))  # another program may read what ours says
    command, words = command_of(ours[1:])

    known = {option for parameter in command.params for option in parameter.opts}  # type: ignore[attr-defined]
    assert {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)} <= known | {"--help"}


def test_the_readmes_python_runs() -> None:
    snippets = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)

    assert snippets
    for snippet in snippets:
        exec(snippet, {})  # our own text, run as a reader would


def test_the_manual_leads_to_every_page() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]

    assert sorted(re.findall(r"[\w-]+\.md", str(nav))) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", DOCUMENTS[path]):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
