"""The process that does long work on one photograph: an order as one line on stdin, lines of JSON on stdout."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Say = Callable[[dict[str, Any]], None]

_EVERY = 0.2
"""Seconds between two words on progress."""


def carry_out(order: dict[str, Any], say: Say) -> None:
    """Do what an order says.

    Args:
        order: its ``task`` is ``restore`` or ``estimate``; ``photo`` and ``output`` are paths that the server has made.
        say: told ``{"share": 0.25}`` now and then, and at the end ``{"outcome": {...}}`` or ``{"error": "..."}``.
    """
    from unblur.errors import UnblurError

    said = 0.0

    def progress(share: float) -> None:
        nonlocal said
        if time.monotonic() - said > _EVERY:
            said = time.monotonic()
            say({"share": share})

    try:
        outcome = {"restore": restore, "estimate": estimate}[order["task"]](order, progress)
    except UnblurError as error:
        say({"error": str(error)})
    except OSError as error:
        say({"error": f"the result cannot be kept ({error.strerror or error}); make room on the server's disk"})
    else:
        say({"outcome": outcome})


def restore(order: dict[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Restore as ``unblur restore`` would, to the last bit, and keep the pixels as they are before encoding.

    Args:
        order: ``psf`` is a .npy file as ``output`` is; ``method``, ``transfer``, ``settings`` and ``device`` as in
            :func:`unblur.restoration.restore_file`; ``deep`` asks for 16 bits where the photograph has 8.
        progress: told the share of the work that is done.
    """
    import numpy as np

    from unblur.devices import torch_device
    from unblur.io.arrays import array_of, check_range, planes_of_array
    from unblur.io.psf import read_psf
    from unblur.io.read import read_picture
    from unblur.plan import light_of, planned
    from unblur.residual import middle, residual

    start = time.perf_counter()
    picture, output = read_picture(order["photo"]), Path(order["output"])
    pixels = picture.pixels
    if order["deep"] and pixels.dtype == np.uint8:
        pixels = pixels.astype(np.uint16) * 257  # white stays white
    planes = planes_of_array(pixels)
    check_range(planes)
    plan = planned(
        read_psf(Path(order["psf"])),
        method=order["method"],
        transfer=order["transfer"],
        encoding=picture.encoding,
        settings=order["settings"],
        device=torch_device(order["device"]),
        curve=picture.curve,
    )
    _keep(array_of(plan.restored(planes, report=progress)), output)
    found = residual(light_of(middle(planes), through_light=plan.through_light, curve=plan.curve), plan.psf)
    warnings = [] if found is None or found.explained else [str(found)]
    return {"method": plan.method.name, "seconds": time.perf_counter() - start, "warnings": warnings}


def estimate(order: dict[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Estimate as ``unblur psf estimate`` would, and keep the PSF.

    Args:
        order: ``size``, ``kind``, ``box``, ``transfer`` and ``anyway`` as in :func:`unblur.estimation.psf_of_file`.
        progress: told the share of the work that is done.
    """
    from unblur.estimation import psf_of_file

    start = time.perf_counter()
    box = None if order["box"] is None else tuple(order["box"])
    found = psf_of_file(
        order["photo"],
        order["size"],
        kind=order["kind"],
        box=box,
        transfer=order["transfer"],
        anyway=order["anyway"],
        report=progress,
    )
    _keep(found.psf.numpy(), Path(order["output"]))
    return {
        "shape": found.spec,
        "box": found.box,
        "spread": found.spread,
        "agreement": found.agreement,
        "seconds": time.perf_counter() - start,
        "warnings": found.warnings,
    }


def _keep(values: Any, output: Path) -> None:
    """Whole or not at all."""
    import numpy as np

    part = output.with_suffix(".part.npy")
    try:
        np.save(part, values, allow_pickle=False)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


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
