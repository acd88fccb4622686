"""What was restored into a folder of results, and how: one file of rows, only ever appended to."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RECORD = "unblur-record.jsonl"
"""Its name in the folder of results."""


@dataclass
class Record:
    """The rows so far.

    A run first writes one row with all results that it begins (``begun``) and how they are made (``how``, ``key``),
    then, as each is complete under its final name, a row ``done``. A result that was begun and is not done belongs to
    a run that was killed, and may be made again. A row that a kill tore is passed over.
    """

    path: Path
    how: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Key → everything that decided what results look like."""
    begun: dict[str, str] = field(default_factory=dict)
    """Result → key, of those that are not done."""
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Result → its row."""

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """The record of a folder of results; empty where there is none."""
        record = cls(folder / RECORD)
        for row in _rows(record.path):
            record._take(row)
        return record

    def key(self, result: str) -> str | None:
        """How a result was made or begun; None if it is not one of ours."""
        row = self.done.get(result)
        return self.begun.get(result) if row is None else row["key"]

    def begin(self, results: Sequence[str], key: str, how: Mapping[str, Any], command: str) -> None:
        """Note that these results are being made.

        Raises:
            OSError: the record cannot be written.
        """
        self._append({"begun": list(results), "key": key, "how": dict(how), "command": command})

    def finish(self, result: str, key: str, facts: Mapping[str, Any]) -> None:
        """Note that a result is complete.

        Raises:
            OSError: the record cannot be written.
        """
        self._append({"done": result, "key": key, **facts})

    def _append(self, row: dict[str, Any]) -> None:
        line = json.dumps(row).encode() + b"\n"
        with self.path.open("a+b") as file:
            if file.seek(0, 2):
                file.seek(-1, 2)
                line = line if file.read(1) == b"\n" else b"\n" + line  # ends the row that a kill tore
            file.write(line)
        self._take(row)

    def _take(self, row: dict[str, Any]) -> None:
        if "begun" in row:
            self.how[row["key"]] = row["how"]
            for result in row["begun"]:
                self.done.pop(result, None)
                self.begun[result] = row["key"]
        else:
            self.begun.pop(row["done"], None)
            self.done[row["done"]] = row


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows that can be read; without a row a result only counts as unknown, and is never replaced unasked."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                row = json.loads(line)
                named = [row["done"]] if "done" in row else [*row["begun"], *row["how"]]
                sound = all(isinstance(name, str) for name in [row["key"], *named])
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
            if sound:
                yield row
