"""The process that restores one photograph: an order as one line on stdin, progress as lines of JSON on stdout."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_EVERY = 0.2
"""Seconds between two words on progress."""


def carry_out(order: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> None:
    """Restore as ``unblur restore`` would, to the last bit.

    Args:
        order: ``photo``, ``output`` and ``psf`` (a .npy file) are paths that the server has made; ``method``,
            ``transfer``, ``settings`` and ``device`` as in :func:`unblur.restoration.restore_file`.
        say: told ``{"share": 0.25}`` now and then, and at the end ``{"outcome": {...}}`` or ``{"error": "..."}``.
    """
    from unblur.errors import UnblurError
    from unblur.io.psf import read_psf
    from unblur.restoration import restore_file

    said = 0.0

    def progress(share: float) -> None:
        nonlocal said
        if time.monotonic() - said > _EVERY:
            said = time.monotonic()
            say({"share": share})

    names = ("method", "transfer", "settings", "device")
    try:
        outcome = restore_file(
            order["photo"],
            order["output"],
            psf=read_psf(Path(order["psf"])),
            progress=progress,
            overwrite=True,
            **{name: order[name] for name in names},
        )
    except UnblurError as error:
        say({"error": str(error)})
        return
    told = {"method": outcome.method, "seconds": outcome.seconds, "notes": outcome.notes, "warnings": outcome.warnings}
    say({"outcome": told})


def _say(word: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(word) + "\n")
    sys.stdout.flush()


def _leave_with_the_server() -> None:
    """Nobody would take the result of a server that is gone: its end closes our input."""
    while os.read(0, 1024):  # not sys.stdin: its lock would be held when the interpreter ends
        pass
    os._exit(1)


def main() -> None:
    """Read the order, carry it out."""
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_leave_with_the_server, daemon=True).start()
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(5)  # previews come first
    carry_out(order, _say)


if __name__ == "__main__":
    main()
