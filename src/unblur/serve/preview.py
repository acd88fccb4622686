"""A part of a photograph, restored as the whole would be."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, TypeVar

import numpy as np
import torch

from unblur.deconvolvers import Deconvolver, Surveying
from unblur.errors import Cancelled, ConfigError
from unblur.io.arrays import array_of, check_range, planes_of_array
from unblur.io.picture import Picture
from unblur.methods import METHODS
from unblur.plan import Plan, light_of, planned
from unblur.residual import middle, residual
from unblur.serve.album import Photograph
from unblur.serve.limits import Limits
from unblur.serve.order import Order
from unblur.serve.screen import Box
from unblur.tensors import Report

Answer = TypeVar("Answer")
_BUILT = 8
"""Methods, with their settings, whose weights are kept in memory."""


class Superseded(Cancelled):
    """The same photograph asked for another preview, or went away."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A restored part."""

    picture: Picture
    """Of the size that was asked for."""
    method: str
    seconds: float
    worked: int
    """Pixels that were restored for it, margin included."""


class Previews:
    """Whose preview is computed when: of each photograph one at a time, and only the newest is worth the work."""

    def __init__(self, limits: Limits) -> None:
        """Two threads: a slow preview of one photograph does not hold up another's."""
        self.limits = limits
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="preview")

    async def newest(self, photograph: Photograph, work: Callable[[Report], Answer]) -> Answer:
        """Run ``work`` in a thread, after telling the photograph's previous one to stop.

        Raises:
            Superseded: another one was asked for meanwhile.
            ConfigError: it took too long.
        """
        if photograph.latest is not None:
            photograph.latest.set()
        stop = photograph.latest = threading.Event()
        async with photograph.turn:
            _refuse_stopped(stop)

            def worked() -> Answer:
                _refuse_stopped(stop)
                end = time.monotonic() + self.limits.preview_seconds  # the time in the queue is not its own
                return work(partial(report, end))

            def report(end: float, share: float) -> None:
                del share
                _refuse_stopped(stop)
                if time.monotonic() > end:
                    raise ConfigError(
                        "this method is too slow for a preview; restore the whole, or choose a faster one"
                    )

            answer = await asyncio.get_running_loop().run_in_executor(self._threads, worked)
        _refuse_stopped(stop)
        return answer

    def close(self) -> None:
        """Take no more work."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def preview(photograph: Photograph, box: Box, order: Order, *, device: torch.device, report: Report) -> Preview:
    """Restore a part of a photograph together with its surroundings.

    What a method must know of the whole photograph, its noise for instance, is taken from the whole. The surroundings
    are as wide as the method wants for a tile, but at most two PSFs and 64 px: what is left of the difference to the
    final result is not seen.

    Args:
        photograph: as it was uploaded.
        box: the part, inside the photograph.
        order: what to do.
        device: where to compute.
        report: told the share of the work that is done.

    Raises:
        PsfError: as in :func:`unblur.restoration.restore`.
        ConfigError: as in :func:`unblur.restoration.restore`.
    """
    start = time.perf_counter()
    picture = photograph.picture
    plan = surveyed(photograph, plan_of(picture, order, device))
    kept, around = surroundings(picture, box, plan)
    left, top, width, height = around
    planes = planes_of_array(np.array(picture.pixels[top : top + height, left : left + width]))
    restored = array_of(plan.restored(planes, report=report))
    part = restored[kept[1] : kept[1] + box[3], kept[0] : kept[0] + box[2]]
    return Preview(
        picture=replace(picture, pixels=part, alpha=None),
        method=plan.method.name,
        seconds=time.perf_counter() - start,
        worked=width * height,
    )


def plan_of(picture: Picture, order: Order, device: torch.device) -> Plan:
    """What :func:`unblur.restoration.restore_file` would do with this picture."""
    return planned(
        order.psf,
        method=order.method,
        transfer=order.transfer,
        encoding=picture.encoding,
        settings=order.settings,
        device=device,
        curve=picture.curve,
    )


def doubt_of(photograph: Photograph, order: Order, device: torch.device) -> str:
    """Why the PSF cannot have made the photograph, see :func:`unblur.residual.residual`; empty where it can.

    The answer does not depend on the part that is looked at, so the last one is kept.
    """
    picture = photograph.picture
    plan = plan_of(picture, order, device)
    key = (plan.psf.numpy().tobytes(), tuple(plan.psf.shape), plan.through_light)
    if photograph.doubt is None or photograph.doubt[0] != key:
        planes = middle(planes_of_array(picture.pixels))
        found = residual(light_of(planes, through_light=plan.through_light, curve=plan.curve), plan.psf)
        photograph.doubt = (key, "" if found is None or found.explained else str(found))
    return photograph.doubt[1]


def surroundings(picture: Picture, box: Box, plan: Plan) -> tuple[tuple[int, int], Box]:
    """Where a part lies in what is restored for it, and where that lies in the photograph."""
    left, top, width, height = box
    side, tiling = max(plan.psf.shape), plan.method.tiling
    margin, grid = 2 * side + 64, tiling.grid
    if tiling.kind != "whole":  # the margin of those that refuse tiles says nothing
        margin = max(side, min(plan.method.surroundings(plan.psf, plan.settings), margin))
    first_x, first_y = (max(0, corner - margin) // grid * grid for corner in (left, top))
    last_x, last_y = min(picture.size[1], left + width + margin), min(picture.size[0], top + height + margin)
    return (left - first_x, top - first_y), (first_x, first_y, last_x - first_x, last_y - first_y)


def surveyed(photograph: Photograph, plan: Plan) -> Plan:
    """The same plan with a deconvolver that has looked at the whole photograph; it is made once and kept."""
    key = (plan.method.name, plan.settings, plan.through_light)
    if key not in photograph.ready:
        deconvolver = _built(plan.method.name, plan.settings, plan.device)
        if isinstance(deconvolver, Surveying):
            planes = planes_of_array(photograph.picture.pixels)
            check_range(planes)
            sample = deconvolver.sample(planes)
            deconvolver = deconvolver.surveyed(light_of(sample, through_light=plan.through_light, curve=plan.curve))
        photograph.keep_ready(key, deconvolver)
    ready = photograph.ready[key]

    def build(device: torch.device, settings: Any) -> Deconvolver:
        del device, settings
        return ready

    return replace(plan, method=replace(plan.method, build=build))


@lru_cache(maxsize=_BUILT)
def _built(method: str, settings: Any, device: torch.device) -> Deconvolver:
    """A method made ready for all photographs: they share its weights."""
    return METHODS[method].build(device, settings)


def _refuse_stopped(stop: threading.Event) -> None:
    if stop.is_set():
        raise Superseded("a newer preview was asked for")
