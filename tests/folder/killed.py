"""Runs over a folder that are killed at a chosen moment: ``python -m tests.folder.killed PHOTOGRAPHS OUT``.

Every moment gets a process and a folder of results of its own, ``OUT/MOMENT``.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from tests.folder.album import by, done
from unblur.folder.record import Record

MOMENTS = ("before the rename", "after the rename", "within the row", "after the row")
WHERE = "b-restored.png"
"""The result that is in hand when the kill comes."""


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _be_killed(moment: str) -> None:
    """From now on this process ends at that moment."""
    rename, finish = Path.replace, Record.finish

    def replaced(part: Path, target: Path) -> Path:
        if moment == "before the rename" and target.name == WHERE:
            _die()
        renamed = rename(part, target)
        if moment == "after the rename" and target.name == WHERE:
            _die()
        return renamed

    def finished(record: Record, result: str, key: str, facts: Mapping[str, Any]) -> None:
        if moment == "within the row" and result == WHERE:
            with record.path.open("ab") as file:
                file.write(json.dumps({"done": result, "key": key})[:25].encode())
            _die()
        finish(record, result, key, facts)
        if moment == "after the row" and result == WHERE:
            _die()

    Path.replace, Record.finish = replaced, finished  # type: ignore[method-assign,assignment]


def main(photographs: Path, out: Path) -> None:
    """Kill one run at each moment."""
    for moment in MOMENTS:
        pid = os.fork()
        if pid == 0:
            _be_killed(moment)
            done(photographs, out / moment, by())
            os._exit(1)  # it should not have come so far
        _, status = os.waitpid(pid, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            raise SystemExit(f"{moment}: ended with {status}, expected a kill")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
