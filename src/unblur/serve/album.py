"""The photographs that are held: who is let in, who gives way, and when they are removed."""

import asyncio
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from starlette.exceptions import HTTPException

from unblur.deconvolvers import Deconvolver
from unblur.io.picture import Picture
from unblur.serve.estimation import Estimation
from unblur.serve.limits import MEGA, Limits
from unblur.serve.restoration import Restoration
from unblur.tensors import Psf

_PSFS = 24
"""PSFs kept for one photograph."""
_READY = 4
"""Methods kept ready for one photograph."""
_HANDS = 2
"""Threads that work on one photograph at the same time, its preview apart: the others' requests find some free."""

Answer = TypeVar("Answer")


@dataclass(eq=False, kw_only=True)
class Photograph:
    """One upload and everything that was made of it."""

    id: str
    """Cannot be guessed: whoever knows it may see the photograph."""
    name: str
    """As the user's machine calls the file; shown and given back, never a path here."""
    file: Path
    """In a folder of its own."""
    file_bytes: int
    picture: Picture
    """Its pixels lie in a file as well, which memory shows: the system keeps of it what is used."""
    touched: float = field(default_factory=time.monotonic)
    psfs: OrderedDict[str, Psf] = field(default_factory=OrderedDict)
    ready: OrderedDict[object, Deconvolver] = field(default_factory=OrderedDict)
    """Deconvolvers that have looked at the whole photograph already."""
    doubt: tuple[object, str] | None = None
    """The last PSF that was looked at, and why it cannot have made the photograph."""
    restoration: Restoration | None = None
    estimation: Estimation | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the preview that is computed."""
    latest: threading.Event | None = None
    """Stops the newest preview."""
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a download is written."""
    hands: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_HANDS))

    @property
    def stored(self) -> int:
        """Bytes that it takes or may take on the disk: the file, its pixels, and a result of 16 bits."""
        pixels = self.picture.pixels
        alpha = 0 if self.picture.alpha is None else self.picture.alpha.nbytes
        return self.file_bytes + pixels.nbytes + alpha + max(pixels.nbytes, 2 * pixels.size)

    @property
    def busy(self) -> bool:
        """Whether work on it waits or runs."""
        return any(work is not None and not work.over for work in (self.restoration, self.estimation))

    async def done(self, work: Callable[[], Answer]) -> Answer:
        """Do some short work on it in a thread, after what is done already."""
        async with self.hands:
            return await asyncio.to_thread(work)

    def keep_psf(self, psf: Psf) -> str:
        """Remember a PSF; the oldest is forgotten."""
        name = secrets.token_urlsafe(8)
        self.psfs[name] = psf
        if len(self.psfs) > _PSFS:
            self.psfs.popitem(last=False)
        return name

    def psf(self, name: str) -> Psf:
        """A PSF that was kept."""
        if name not in self.psfs:
            raise HTTPException(404, "this PSF is no longer held; choose or draw it again")
        self.psfs.move_to_end(name)
        return self.psfs[name]

    def keep_ready(self, key: object, deconvolver: Deconvolver) -> None:
        """Remember a deconvolver; the oldest is forgotten."""
        self.ready[key] = deconvolver
        if len(self.ready) > _READY:
            self.ready.popitem(last=False)


class Album:
    """All photographs of one server. Only the event loop's thread may call it."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        """Hold photographs in an existing folder, which belongs to nobody else."""
        self.folder, self.limits = folder, limits
        self._held: dict[str, Photograph] = {}

    def __len__(self) -> int:
        """How many are held."""
        return len(self._held)

    def new_folder(self) -> Path:
        """A folder for one upload, with a name of our own."""
        folder = self.folder / secrets.token_hex(8)
        folder.mkdir()
        return folder

    def add(self, name: str, file: Path, picture: Picture) -> Photograph:
        """Let a photograph in; what nobody has asked for in some minutes gives way, the idle longest first.

        Raises:
            HTTPException: 503 where all others are in use.
        """
        identity, size = secrets.token_urlsafe(16), file.stat().st_size
        photograph = Photograph(id=identity, name=name, file=file, file_bytes=size, picture=picture)
        oldest = time.monotonic() - 60 * self.limits.giving_way_minutes
        while self._held and not self._room_for(photograph):
            idle = [other for other in self._held.values() if not other.busy and other.touched <= oldest]
            if not idle:
                raise HTTPException(503, "this page holds as many photographs as it may; try again in a few minutes")
            self.remove(min(idle, key=lambda other: other.touched))
        self._held[photograph.id] = photograph
        return photograph

    def get(self, name: str) -> Photograph:
        """The photograph of that id, which counts as used.

        Raises:
            HTTPException: 404 where it is not, or no longer, held.
        """
        photograph = self._held.get(name)
        if photograph is None:
            raise HTTPException(404, "this photograph is no longer held here; open it again")
        photograph.touched = time.monotonic()
        return photograph

    def remove(self, photograph: Photograph) -> None:
        """Stop its work, forget it and delete its files."""
        self._held.pop(photograph.id, None)
        if photograph.latest is not None:
            photograph.latest.set()
        for work in (photograph.restoration, photograph.estimation):
            if work is not None:
                work.cancel()
        shutil.rmtree(photograph.file.parent, ignore_errors=True)

    def remove_idle(self) -> None:
        """Remove what nobody has asked for in a while; work that goes on is not idle."""
        oldest = time.monotonic() - 60 * self.limits.idle_minutes
        for photograph in [one for one in self._held.values() if one.touched < oldest and not one.busy]:
            self.remove(photograph)

    async def close(self) -> None:
        """Remove all, and wait until their processes are gone."""
        running = [work for one in self._held.values() for work in (one.restoration, one.estimation) if work]
        for photograph in list(self._held.values()):
            self.remove(photograph)
        for work in running:
            await work.ended()

    def _room_for(self, photograph: Photograph) -> bool:
        stored = sum(other.stored for other in self._held.values()) + photograph.stored
        return len(self._held) < self.limits.photographs and stored <= self.limits.held_megabytes * MEGA
