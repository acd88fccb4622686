"""The photographs that are held: who is let in, who gives way, and when they are removed."""

import asyncio
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from starlette.exceptions import HTTPException

from unblur.deconvolvers import Deconvolver
from unblur.io.picture import Picture
from unblur.serve.limits import Limits
from unblur.serve.restoration import Restoration
from unblur.tensors import Psf

_PSFS = 24
"""PSFs kept for one photograph."""
_READY = 4
"""Methods kept ready for one photograph."""


@dataclass(eq=False, kw_only=True)
class Photograph:
    """One upload and everything that was made of it."""

    id: str
    """Cannot be guessed: whoever knows it may see the photograph."""
    name: str
    """As the user's machine calls the file; shown and given back, never a path here."""
    file: Path
    """In a folder of its own."""
    picture: Picture
    touched: float = field(default_factory=time.monotonic)
    psfs: OrderedDict[str, Psf] = field(default_factory=OrderedDict)
    ready: OrderedDict[object, Deconvolver] = field(default_factory=OrderedDict)
    """Deconvolvers that have looked at the whole photograph already."""
    doubt: tuple[object, str] | None = None
    """The last PSF that was looked at, and why it cannot have made the photograph."""
    restoration: Restoration | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the preview that is computed."""
    latest: threading.Event | None = None
    """Stops the newest preview."""

    @property
    def pixels(self) -> int:
        """Held in memory, the result's included."""
        height, width = self.picture.size
        done = self.restoration is not None and self.restoration.picture is not None
        return height * width * (2 if done else 1)

    @property
    def busy(self) -> bool:
        """Whether its restoration waits or runs."""
        return self.restoration is not None and not self.restoration.over

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
        """Let a photograph in; what was idle longest gives way.

        Raises:
            HTTPException: 503 where all others are being restored.
        """
        wanted = picture.size[0] * picture.size[1]
        while len(self._held) >= self.limits.photographs or self._pixels() + wanted > self.limits.held_megapixels * 1e6:
            idle = [other for other in self._held.values() if not other.busy]
            if not idle:
                raise HTTPException(503, "too many photographs are being restored; wait until one is done")
            self.remove(min(idle, key=lambda other: other.touched))
        photograph = Photograph(id=secrets.token_urlsafe(16), name=name, file=file, picture=picture)
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
        if photograph.restoration is not None:
            photograph.restoration.cancel()
        shutil.rmtree(photograph.file.parent, ignore_errors=True)

    def remove_idle(self) -> None:
        """Remove what nobody has asked for in a while; work that goes on is not idle."""
        oldest = time.monotonic() - 60 * self.limits.idle_minutes
        for photograph in [one for one in self._held.values() if one.touched < oldest and not one.busy]:
            self.remove(photograph)

    async def close(self) -> None:
        """Remove all, and wait until their processes are gone."""
        running = [one.restoration for one in self._held.values() if one.restoration is not None]
        for photograph in list(self._held.values()):
            self.remove(photograph)
        for restoration in running:
            await restoration.ended()

    def _pixels(self) -> int:
        return sum(photograph.pixels for photograph in self._held.values())
