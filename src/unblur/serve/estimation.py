"""PSFs estimated from photographs, each in a process of its own."""

import asyncio
from pathlib import Path
from typing import Any

from unblur.serve.errand import Errand
from unblur.serve.limits import Limits


class Estimation(Errand):
    """One photograph's way through :func:`unblur.serve.job.estimate`."""

    def __init__(self, order: dict[str, Any], output: Path, places: asyncio.Semaphore, limits: Limits) -> None:
        """Begin; must be called in a running event loop.

        Args:
            order: what the process reads.
            output: the .npy file of the PSF that it writes.
            places: one is taken while the process runs.
            limits: how long it may take.
        """
        self.output = output
        self.answer: dict[str, Any] | None = None
        """What the page is told of the PSF, once somebody has asked."""
        super().__init__(
            {**order, "task": "estimate", "output": str(output)},
            places,
            minutes=limits.estimation_minutes,
            advice="choose a smaller size, or a part of the photograph",
        )
