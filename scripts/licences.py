"""Write THIRD_PARTY.md: every library that a full installation brings, with its version and licence.

    python scripts/licences.py

The facts are those that the installed packages state of themselves; run it where all extras are installed.
"""

import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
BUNDLED = (
    "Two extras bring more than their own licence says, as their wheels hold other people's codecs: `heif`",
    "(pillow-heif: libheif and libde265, LGPL-3.0, and x265, GPL-2.0) and `raw` (rawpy: LibRaw, LGPL-2.1 or CDDL-1.0).",
    "Neither is part of a plain installation.",
)
"""What no package states of itself."""


def needed() -> dict[str, str]:
    """Name → why, of all packages that the package or one of its extras needs, directly or not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, str] = {}
    extras = project["optional-dependencies"]
    for why, wanted in [("always", project["dependencies"]), *((f"extra `{name}`", extras[name]) for name in extras)]:
        for requirement in wanted:
            _follow(requirement, why, found)
    return found


def missing() -> list[str]:
    """Extras that bring a package which is not installed here, and therefore not listed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = needed()
    return sorted(
        extra
        for extra, wanted in project["optional-dependencies"].items()
        if any(canonicalize_name(Requirement(text).name) not in listed for text in wanted)
    )


def _follow(requirement: str, why: str, found: dict[str, str]) -> None:
    """Add a requirement and what it needs in turn, where it is installed."""
    parsed = Requirement(requirement)
    name = canonicalize_name(parsed.name)
    if name in found or (parsed.marker and not parsed.marker.evaluate({"extra": ""})):
        return
    try:
        wanted = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return  # not installed here
    found[name] = why
    for other in wanted:
        _follow(other, why, found)


def licence(name: str) -> str:
    """What a package says of its licence: an SPDX expression, else its classifiers, else the first line of its text."""
    said = metadata.metadata(name)
    if "License-Expression" in said:
        return said["License-Expression"]
    classifiers = [
        line.rpartition("::")[2].strip() for line in said.get_all("Classifier") or [] if "License ::" in line
    ]
    if classifiers := [text for text in classifiers if text != "OSI Approved"]:
        return ", ".join(classifiers)
    text = next(iter(said.get_all("License") or []), "")
    return (text.strip().splitlines() or ["not stated"])[0][:60]


def main() -> None:
    """Write the list."""
    rows = [
        f"| {name} | {metadata.version(name)} | {licence(name)} | {why} |" for name, why in sorted(needed().items())
    ]
    absent = missing()
    text = "\n".join(
        [
            "# Libraries and their licences",
            "",
            "What an installation brings with its extras, as the packages state it. Made by",
            "`python scripts/licences.py`.",
            *([f"Not listed, as not installed there: {', '.join(f'`{name}`' for name in absent)}."] if absent else []),
            "",
            "| library | version | licence | needed |",
            "|---|---|---|---|",
            *rows,
            "",
            *BUNDLED,
        ]
    )
    (ROOT / "THIRD_PARTY.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
