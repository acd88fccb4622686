"""What MkDocs puts into the manual while it builds: every command with its options, and the scripts of the gallery.

Named under ``hooks`` in mkdocs.yml. Both are taken from the code at that moment, so they cannot fall behind it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from unblur.cli import app

ROOT = Path(__file__).parents[1]
COMMANDS_HERE = "<!-- every command -->"
MADE_BY = re.compile(r"^Made by `(examples/\w+\.py)`.*$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Called by MkDocs with the text of each page, before it is rendered."""
    if COMMANDS_HERE in markdown:
        markdown = markdown.replace(COMMANDS_HERE, all_commands())
    return MADE_BY.sub(lambda line: f"{line[0]}\n\n{folded(line[1])}", markdown)


def all_commands() -> str:
    """Every command as a section of Markdown."""
    return "\n\n".join(described(name, command) for name, command in leaves(typer.main.get_command(app), "unblur"))


def leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The commands that do something, ``unblur psf show`` for instance, each with its full name."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word, one in command.commands.items():
        yield from leaves(one, f"{name} {word}")


def described(name: str, command: Any) -> str:
    """One command: what it does, an example, and a table of what it takes."""
    context = command.make_context(name, [], resilient_parsing=True)
    paragraphs = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
    said = [part for part in paragraphs if not part.startswith("Example: ")]
    examples = [part.removeprefix("Example: ") for part in paragraphs if part.startswith("Example: ")]
    records = [record for parameter in command.params if (record := parameter.get_help_record(context))]
    table = ["| | |", "|---|---|", *(f"| {code(names)} | {escaped(text)} |" for names, text in records)]
    parts = [f"## {name}", *said, *(f"    {example}" for example in examples), "\n".join(table)]
    return "\n\n".join(part for part in parts if part)


def code(text: str) -> str:
    """As code within a table, where a bar would end the cell; the type of a list says nothing that its dots do not."""
    return f"<code>{escaped(re.sub(r' <list.*>$', '', text))}</code>"


def escaped(text: str) -> str:
    """Text that Markdown leaves as it is."""
    shown = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([|*_`\[\]])", r"\\\1", shown)


def folded(script: str) -> str:
    """A script that opens when it is clicked on."""
    lines = (ROOT / script).read_text(encoding="utf-8").splitlines()
    return "\n".join(
        [f'??? example "{script}"', "", "    ```python", *(f"    {line}".rstrip() for line in lines), "    ```"]
    )
