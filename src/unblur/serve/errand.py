"""Long work, done in a process of its own: it can be ended at any moment, and can fail alone."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Any, Literal

State = Literal["waiting", "running", "done", "failed", "cancelled"]


class Errand:
    """One order's way through :mod:`unblur.serve.job`."""

    def __init__(self, order: dict[str, Any], places: asyncio.Semaphore, *, minutes: float, advice: str) -> None:
        """Begin; must be called in a running event loop.

        Args:
            order: what the process reads, see :mod:`unblur.serve.job`.
            places: one is taken while the process runs; who waits longest comes first.
            minutes: it may take.
            advice: what to do where that was not enough.
        """
        self.state: State = "waiting"
        self.share = 0.0
        self.error = ""
        self.outcome: dict[str, Any] = {}
        self._minutes, self._advice = minutes, advice
        self._task = asyncio.create_task(self._run(order, places))

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
        if not self.over:  # it was cancelled before its first step
            self.state = "cancelled"

    def told(self) -> dict[str, Any]:
        """How far it is, for the page."""
        return {"state": self.state, "share": self.share, "error": self.error, "outcome": self.outcome}

    async def _run(self, order: dict[str, Any], places: asyncio.Semaphore) -> None:
        try:
            async with places, asyncio.timeout(60 * self._minutes):
                self.state = "running"
                await self._followed(order)
        except asyncio.CancelledError:
            self.state = "cancelled"
        except TimeoutError:
            self.state, self.error = "failed", f"it took longer than {self._minutes:g} minutes; {self._advice}"
        except OSError as error:  # no more processes, for instance
            self.state, self.error = "failed", f"it could not be begun ({error.strerror}); try again later"

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
