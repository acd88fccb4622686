"""The photographs of a folder on the machines of a Ray cluster: the same rows and bytes in the same order."""

import dataclasses
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unblur.devices import torch_device
from unblur.errors import ConfigError
from unblur.folder.photographs import Pair
from unblur.folder.row import Restoring, Row, Told, restored_row

_PRECISION = "UNBLUR_PRECISION"
_BLOCKS = 1000
"""Of photographs that a cluster handles as one, at most: each costs the driver some time."""


def check_ray() -> None:
    """Refuse where Ray is missing.

    Raises:
        ConfigError: Ray Data is not installed.
    """
    if find_spec("ray") is None or find_spec("pyarrow") is None:
        raise ConfigError("--engine ray needs Ray Data, which is not installed; pip install unblur[cluster]")


def ray_rows(todo: Sequence[Pair], run: Restoring, workers: int | None, told: Told | None) -> Iterator[Row]:
    """Restore photographs through Ray Data, each as one task; rows come in the order of ``todo``.

    The cluster is the one that the program is connected to, else that of ``RAY_ADDRESS``, else one that is running
    here, else one of this machine's processors, begun for the purpose. Folders must be reachable under the same path
    from all machines, and ``unblur`` be installed on them. The device is settled here: on a machine with a GPU each
    task asks the cluster for one.

    Args:
        todo: what to restore; results may be replaced.
        run: how.
        workers: photographs at a time; None takes one for each processor (or GPU) of the cluster.
        told: hears how many are done.

    Yields:
        What became of each.
    """
    if not todo:
        return
    device = torch_device(str(run.keywords.get("device", "auto")))
    settled = partial(run, device=str(device))
    precision = os.environ.get(_PRECISION)
    tasks = [{"task": json.dumps([str(pair.photo), str(pair.output)])} for pair in todo]
    if told:
        told(0, len(todo), "on the cluster")
    with _connected() as data:
        answers = (
            data.from_items(tasks, override_num_blocks=min(len(tasks), _BLOCKS))
            .map(
                _restored,
                fn_kwargs={"run": settled, "precision": precision},
                num_cpus=1,
                num_gpus=1 if device.type == "cuda" else None,
                concurrency=workers,
            )
            .iter_rows()
        )
        for number, (pair, answer) in enumerate(zip(todo, answers, strict=True), start=1):
            row = json.loads(answer["row"])
            if told:
                told(number, len(todo), pair.name)
            yield Row(**row | {"notes": tuple(row["notes"]), "warnings": tuple(row["warnings"])})


@contextmanager
def _connected() -> Iterator[Any]:
    """Ray Data, quiet and in order, on a cluster; one that was begun here ends here."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report how it is used to its makers
    import ray
    import ray.data

    begun = not ray.is_initialized()
    if begun:
        try:
            ray.init(logging_level=logging.ERROR, log_to_driver=False)
        except Exception as error:  # Ray raises a bare one where a cluster of this machine does not begin within 30 s
            reason = (str(error).strip() or repr(error)).splitlines()[0]
            if os.environ.get("RAY_ADDRESS"):
                advice = "check RAY_ADDRESS, or unset it"
            else:
                advice = "try again when the machine is less busy, or leave --engine away"
            raise ConfigError(f"the Ray cluster cannot be reached ({reason}); {advice}") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    before = context.execution_options.preserve_order, context.enable_progress_bars
    context.execution_options.preserve_order, context.enable_progress_bars = True, False
    try:
        yield ray.data
    finally:
        context.execution_options.preserve_order, context.enable_progress_bars = before
        if begun:
            ray.shutdown()


def _restored(task: dict[str, Any], run: Restoring, precision: str | None) -> dict[str, Any]:
    """One photograph, on whichever machine; texts only, as Arrow knows no paths and no bytes outside UTF-8."""
    if precision is not None:
        os.environ[_PRECISION] = precision
    photo, output = map(Path, json.loads(task["task"]))
    row = restored_row(photo, output, run, overwrite=True, make_folder=True)
    return {"row": json.dumps(dataclasses.asdict(row))}
