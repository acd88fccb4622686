"""Where the large arrays of one photograph lie: in memory, or in files that vanish with them."""

import math
import mmap
import os
import tempfile
from collections.abc import Sequence

import torch
from torch import Tensor

from unblur.errors import ConfigError

CHUNK = 1 << 24
"""Bytes that are written together where a file must be filled to be sure of its room."""


class Scratch:
    """Makes arrays, all of one kind.

    Args:
        device: of arrays in memory.
        in_file: lay them in files in the system's folder for temporary ones (``TMPDIR`` names another).
        beside: another one, in use at the same time, which settles with this one.
    """

    def __init__(self, device: torch.device, *, in_file: bool, beside: "Scratch | None" = None) -> None:
        self.device, self.in_file, self.beside = device, in_file, beside
        self._maps: list[mmap.mmap] = []

    def new(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """An array of any content.

        Raises:
            ConfigError: there is no room for the file.
        """
        if not self.in_file:
            return torch.empty(tuple(shape), dtype=dtype, device=self.device)
        count = math.prod(shape) * dtype.itemsize
        try:
            with tempfile.TemporaryFile(prefix="unblur-") as file:
                _reserve(file.fileno(), count)
                mapped = mmap.mmap(file.fileno(), count)
        except OSError as error:
            raise ConfigError(
                f"{tempfile.gettempdir()} lacks room for {count / 1e9:.1f} GB ({error.strerror}); "
                "set TMPDIR to a folder with more, or restore in tiles"
            ) from None
        self._maps.append(mapped)
        return torch.frombuffer(mapped, dtype=dtype).reshape(tuple(shape))

    def settle(self) -> None:
        """Leave what lies in files to them: nothing is lost, and it takes no memory until it is touched again."""
        if hasattr(mmap, "MADV_DONTNEED"):
            for mapped in self._maps:
                mapped.madvise(mmap.MADV_DONTNEED)
        if self.beside:
            self.beside.settle()


def _reserve(file: int, count: int) -> None:
    """Make sure of the room now: where a mapped page finds none later, the process dies without a word."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, count)
        return
    for start in range(0, count, CHUNK):
        os.write(file, bytes(min(CHUNK, count - start)))
