"""Whole photographs, restored each in a process of its own: it can be ended at any moment, and can fail alone."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from unblur.io.picture import Picture
from unblur.serve.limits import Limits

State = Literal["waiting", "running", "done", "failed", "cancelled"]


class Restoration:
    """One photograph's way through :mod:`unblur.serve.job`."""

    def __init__(self, order: dict[str, Any], output: Path, places: asyncio.Semaphore, limits: Limits) -> None:
        """Begin; must be called in a running event loop.

        Args:
            order: what the process reads, see :func:`unblur.serve.job.carry_out`.
            output: the file that it writes.
            places: one is taken while the process runs; who waits longest comes first.
            limits: how long it may take.
        """
        self.output = output
        self.picture: Picture | None = None
        """The result, once somebody has looked at it."""
        self.state: State = "waiting"
        self.share = 0.0
        self.error = ""
        self.outcome: dict[str, Any] = {}
        self._task = asyncio.create_task(self._run({**order, "output": str(output)}, places, limits))

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("done", "failed", "cancelled")

    def cancel(self) -> None:
        """Stop waiting, or end the process; nothing happens to one that is over."""
        self._task.cancel()

    async def ended(self) -> None:
        """Wait until it is over and its process gone."""
        with suppress(asyncio.CancelledError):
            await asyncio.wait([self._task])

    async def _run(self, order: dict[str, Any], places: asyncio.Semaphore, limits: Limits) -> None:
        try:
            async with places, asyncio.timeout(60 * limits.restoration_minutes):
                self.state = "running"
                await self._followed(order)
        except asyncio.CancelledError:
            self.state = "cancelled"
        except TimeoutError:
            self.state = "failed"
            self.error = f"it took longer than {limits.restoration_minutes:g} minutes; choose a faster method"

    async def _followed(self, order: dict[str, Any]) -> None:
        """Start the process, listen to it, and leave none behind."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "unblur.serve.job", stdin=PIPE, stdout=PIPE, limit=2**20
        )
        try:
            await self._listen(process, order)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
            await asyncio.shield(process.wait())

    async def _listen(self, process: Process, order: dict[str, Any]) -> None:
        if process.stdin is None or process.stdout is None:  # asked for above; the types do not know
            raise RuntimeError("the process has no pipes")
        process.stdin.write(json.dumps(order).encode() + b"\n")
        with suppress(ConnectionError):  # a process that died at once is found out below
            await process.stdin.drain()
        async for line in process.stdout:
            said = json.loads(line)
            self.share = said.get("share", self.share)
            self.error = said.get("error", "")
            self.outcome = said.get("outcome", {})
        if self.outcome:
            self.state, self.share = "done", 1.0
        else:
            self.state = "failed"
            self.error = (
                self.error or "it ended without a result, perhaps for want of memory; see the server's terminal"
            )
