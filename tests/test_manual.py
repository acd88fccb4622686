"""The manual: its quick start runs as it is printed, and its pages hold every command and every public name."""

import re
import runpy
import shlex
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

import unblur
from unblur.cli import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TOGETHER = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
NAMED = re.findall(r"^::: (\S+)$", (DOCS / "api.md").read_text(encoding="utf-8"), re.MULTILINE)


def leaves(command: Any, name: str = "unblur") -> Iterator[tuple[str, Any]]:
    """The commands that do something, with their full names."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word, one in command.commands.items():
        yield from leaves(one, f"{name} {word}")


COMMANDS = dict(leaves(typer.main.get_command(app)))


@pytest.fixture(scope="module")
def built() -> Callable[[str], str]:
    """What the manual's hook makes of a page."""
    hook: Callable[[str], str] = runpy.run_path(str(ROOT / "scripts" / "manual.py"))["on_page_markdown"]
    return hook


def test_the_quick_start_has_ten_lines_that_run_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On small photographs of the same names, and after the two lines that make the environment."""
    first = re.search(r"(?:^    .+\n)+", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first
    lines = [line.strip() for line in first[0].splitlines()]
    assert len(lines) == 10
    (tmp_path / "examples" / "photographs").mkdir(parents=True)
    for photo in (ROOT / "examples" / "photographs").glob("*.jpg"):
        with Image.open(photo) as opened:
            opened.crop((0, 60, 136, 172)).save(tmp_path / "examples" / "photographs" / photo.name, quality=95)
    monkeypatch.chdir(tmp_path)

    for line in lines[2:]:
        words = shlex.split(line.split("  #")[0])
        assert words[0] == "unblur"
        result = CliRunner().invoke(app, words[1:])
        assert result.exit_code == 0, f"{line}: {result.output}"
        assert Path(words[words.index("-o") + 1]).exists(), line


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_told_in_a_table_and_shown_in_use(name: str) -> None:
    assert f"| `{name}` |" in TOGETHER
    assert re.search(rf"`{name} |^    (?:[\w/]+ )*{name} |^    {name}$|`{name}`", TOGETHER, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_commands_names_every_option(name: str, built: Callable[[str], str]) -> None:
    page = built((DOCS / "commands.md").read_text(encoding="utf-8"))

    section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts if option.startswith("-")}
    assert options - {"--help"} <= set(re.findall(r"--?[a-z][\w-]*", section))
    rows = [re.sub(r"\\\|", "", line) for line in section.splitlines() if line.startswith("| <code>")]
    assert all(row.count("|") == 3 for row in rows)


def test_the_gallery_opens_every_script(built: Callable[[str], str]) -> None:
    page = built((DOCS / "gallery.md").read_text(encoding="utf-8"))

    scripts = re.findall(r"^Made by `(examples/\w+\.py)`\.$", page, re.MULTILINE)
    assert len(scripts) > 5
    for script in scripts:
        body = page.split(f'??? example "{script}"\n')[1]
        written = (ROOT / script).read_text(encoding="utf-8").splitlines()
        shown = [line.removeprefix("    ") for line in body.splitlines()[2 : len(written) + 2]]
        assert shown == written


def test_every_public_name_is_on_the_page_of_python() -> None:
    errors = {name for name in unblur.__all__ if isinstance(getattr(unblur, name), type) and "unblur.errors" in NAMED}
    described = {name.rpartition(".")[2] for name in NAMED}

    assert set(unblur.__all__) - described <= {name for name in errors if hasattr(import_module("unblur.errors"), name)}


@pytest.mark.parametrize("name", NAMED)
def test_what_the_page_of_python_names_has_a_docstring(name: str) -> None:
    place, _, last = name.rpartition(".")
    found = getattr(import_module(place), last, None) or import_module(name)

    if not isinstance(found, dict):
        assert len(found.__doc__ or "") > 30
