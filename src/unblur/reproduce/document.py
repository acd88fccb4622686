"""A report as plain data, written as Markdown and as one HTML file that carries its pictures."""

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPORT = "report"
STYLE = """
:root { color-scheme: light dark; --ink: #23272e; --paper: #ffffff; --faint: #dfe2e7; --soft: #5c6470 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6ea; --paper: #16181c; --faint: #343941; --soft: #a2a9b4 } }
body { color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, sans-serif; max-width: 62rem;
  margin: 0 auto; padding: 1.5rem 1rem 4rem }
h1 { font-size: 1.7rem } h2 { margin-top: 3rem; font-size: 1.25rem } p { max-width: 46rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem }
th, td { padding: .3rem .8rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--faint) }
th:first-child, td:first-child { text-align: left } th { font-weight: 600 }
figure { margin: 1.5rem 0 } figcaption { color: var(--soft); font-size: .9rem; max-width: 46rem }
img { max-width: 100%; height: auto; border-radius: 4px; background: #ffffff }
code { font-size: .9em }
"""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A paragraph; `` `code` `` and ``**bold**`` mean what they do in Markdown."""

    words: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """Names in the first column, cells beside them; ``**bold**`` marks the best."""

    columns: Sequence[str]
    lines: Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A PNG file of the report's folder."""

    file: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """One table or figure of the paper."""

    title: str
    blocks: Sequence[Text | Table | Picture]


def write_document(folder: Path, title: str, opening: Sequence[Text], sections: Sequence[Section]) -> Path:
    """Write ``report.md`` and ``report.html`` into ``folder``, each whole or not at all.

    Args:
        folder: where the pictures lie.
        title: of the whole.
        opening: what stands before the first section.
        sections: the rest.

    Returns:
        The path of the HTML file.
    """
    whole = [Section(title="", blocks=opening), *sections]
    _write(folder / f"{REPORT}.md", _markdown(title, whole))
    _write(folder / f"{REPORT}.html", _html(folder, title, whole))
    return folder / f"{REPORT}.html"


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _markdown(title: str, sections: Sequence[Section]) -> str:
    parts = [f"# {title}"]
    for section in sections:
        if section.title:
            parts.append(f"## {section.title}")
        for block in section.blocks:
            if isinstance(block, Text):
                parts.append(_safe(block.words))
            elif isinstance(block, Picture):
                parts.append(f"![{_safe(block.caption)}]({block.file})\n\n*{_safe(block.caption)}*")
            else:
                head = ["| |" + "".join(f" {_cell(name)} |" for name in block.columns)]
                head.append("|---|" + "---:|" * len(block.columns))
                lines = (
                    f"| {_cell(name)} |" + "".join(f" {_cell(cell)} |" for cell in cells)
                    for name, cells in block.lines.items()
                )
                parts.append("\n".join([*head, *lines]))
    return "\n\n".join(parts) + "\n"


def _safe(text: str) -> str:
    """Names of photographs must not open tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _cell(text: str) -> str:
    return _safe(text).replace("|", "\\|")


def _html(folder: Path, title: str, sections: Sequence[Section]) -> str:
    name = html.escape(title)
    parts = [
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{name}</title>\n<style>{STYLE}</style>\n<h1>{name}</h1>",
    ]
    for section in sections:
        if section.title:
            parts.append(f"<h2>{html.escape(section.title)}</h2>")
        for block in section.blocks:
            if isinstance(block, Text):
                parts.append(f"<p>{_inline(block.words)}</p>")
            elif isinstance(block, Picture):
                data = base64.b64encode((folder / block.file).read_bytes()).decode("ascii")
                caption = _inline(block.caption)
                image = f'<img alt="{html.escape(block.caption)}" src="data:image/png;base64,{data}">'
                parts.append(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")
            else:
                parts.append(_html_table(block))
    return "\n".join(parts) + "\n</html>\n"


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{_inline(column)}</th>" for column in ("", *table.columns))
    lines = (
        f"<tr><td>{_inline(name)}</td>" + "".join(f"<td>{_inline(cell)}</td>" for cell in cells) + "</tr>"
        for name, cells in table.lines.items()
    )
    body = "\n".join(lines)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _inline(text: str) -> str:
    """Escaped first, then the two marks."""
    bold = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(text))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", bold)
