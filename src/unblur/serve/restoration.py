"""Whole photographs, restored each in a process of its own; the result is kept as it was before any encoding."""

import asyncio
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unblur.io.picture import Picture
from unblur.serve.errand import Errand
from unblur.serve.formats import Encoded
from unblur.serve.limits import Limits
from unblur.serve.mapped import mapped


class Restoration(Errand):
    """One photograph's way through :func:`unblur.serve.job.restore`."""

    def __init__(self, order: dict[str, Any], output: Path, places: asyncio.Semaphore, limits: Limits) -> None:
        """Begin; must be called in a running event loop.

        Args:
            order: what the process reads.
            output: the .npy file of pixels that it writes.
            places: one is taken while the process runs.
            limits: how long it may take.
        """
        self.output = output
        self.files: OrderedDict[object, Encoded] = OrderedDict()
        """What was made of the result for downloads."""
        super().__init__(
            {**order, "task": "restore", "output": str(output)},
            places,
            minutes=limits.restoration_minutes,
            advice="choose a faster method",
        )

    def result(self, original: Picture) -> Picture:
        """The result, with everything about the photograph that a file keeps.

        Args:
            original: the photograph.
        """
        pixels, alpha = mapped(self.output), original.alpha
        if alpha is not None and alpha.dtype != pixels.dtype:  # a result of 16 bits from a photograph of 8
            alpha = alpha.astype(np.uint16) * 257
        return replace(original, pixels=pixels, alpha=alpha)
