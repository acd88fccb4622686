"""The server behind the page: its routes, its errors, its beginning and its end."""

import asyncio
import errno
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib import resources
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from unblur.devices import torch_device
from unblur.errors import UnblurError
from unblur.serve.album import Album
from unblur.serve.estimates import Estimates
from unblur.serve.guard import ANSWER_HEADERS, LOOPBACK, Guard
from unblur.serve.limits import Limits
from unblur.serve.photographs import Photographs
from unblur.serve.preview import Previews, Superseded
from unblur.serve.psfs import Psfs
from unblur.serve.results import Results

_SWEEP = 30.0
"""Seconds between two looks for what is idle."""
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def build_app(
    *,
    limits: Limits | None = None,
    names: frozenset[str] = LOOPBACK,
    any_address: bool = False,
    device: str = "auto",
) -> Starlette:
    """The page and what it asks for, as an ASGI application.

    Args:
        limits: what it may take of the machine.
        names: host names under which it is reached; all others are refused.
        any_address: it is reached under every numeric address too.
        device: where to compute.

    Raises:
        ConfigError: an unknown device.
    """
    limits = limits or Limits()
    found_device = torch_device(device)
    doors = (Photographs(limits, found_device), Psfs(limits), Estimates(limits), Results(limits, device))

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        with tempfile.TemporaryDirectory(prefix="unblur-", ignore_cleanup_errors=True) as folder:
            app.state.album = album = Album(Path(folder), limits)
            app.state.previews = previews = Previews(limits)
            app.state.places = asyncio.Semaphore(limits.restorations)
            app.state.estimating = asyncio.Semaphore(limits.estimations)
            sweeper = asyncio.create_task(_swept(album))
            try:
                yield
            finally:
                sweeper.cancel()
                with suppress(asyncio.CancelledError):
                    await sweeper
                await album.close()
                previews.close()

    return Starlette(
        routes=[*_pages(), *(route for door in doors for route in door.routes())],
        middleware=[Middleware(Guard, names=names, any_address=any_address)],
        exception_handlers={
            HTTPException: _said,
            UnblurError: _refused,
            Superseded: _superseded,
            ClientDisconnect: _left,
            OSError: _full,
            Exception: _broken,
        },
        lifespan=life,
    )


async def _swept(album: Album) -> None:
    while True:
        await asyncio.sleep(min(_SWEEP, 60 * album.limits.idle_minutes))
        album.remove_idle()


def _pages() -> list[BaseRoute]:
    """One route for each file of the page, read once: no path of a request is looked up anywhere."""
    routes: list[BaseRoute] = []
    for file in resources.files("unblur.serve").joinpath("page").iterdir():
        kind = _KINDS.get(Path(file.name).suffix)
        if kind is not None:
            path = "/" if file.name == "index.html" else f"/{file.name}"
            routes.append(Route(path, partial(_page, content=file.read_bytes(), kind=kind), methods=["GET"]))
    return routes


async def _page(request: Request, *, content: bytes, kind: str) -> Response:
    del request
    return Response(content, media_type=kind, headers={"cache-control": "no-cache"})


async def _said(request: Request, error: Exception) -> Response:
    """An answer that somebody meant."""
    del request
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, status_code=error.status_code)


async def _refused(request: Request, error: Exception) -> Response:
    """What the user can mend, in one sentence."""
    del request
    return JSONResponse({"error": str(error)}, status_code=400)


async def _superseded(request: Request, error: Exception) -> Response:
    del request
    return JSONResponse({"error": str(error)}, status_code=409)


async def _left(request: Request, error: Exception) -> Response:
    """Nobody is there to read this: the browser gave up in the middle of a body."""
    del request, error
    return Response(status_code=400)


async def _full(request: Request, error: Exception) -> Response:
    """No room on the disk; what else the system refuses is a bug."""
    del request
    if not (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
        raise error
    text = "the server's disk is full; close other photographs, or make room there"
    return JSONResponse({"error": text}, status_code=507)


async def _broken(request: Request, error: Exception) -> Response:
    """A bug: its trace goes to the terminal, not to the page."""
    del request, error
    text = "something broke here; the server's terminal says what"
    return JSONResponse({"error": text}, status_code=500, headers=ANSWER_HEADERS)  # this answer bypasses the guard
