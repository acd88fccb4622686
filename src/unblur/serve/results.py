"""Routes for the whole photograph: begin, watch, cancel, look at the result, download it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import torch
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from unblur.io.picture import Picture
from unblur.io.psf import write_psf
from unblur.io.read import read_picture
from unblur.restoration import output_beside
from unblur.serve import receive
from unblur.serve.album import Photograph
from unblur.serve.limits import Limits
from unblur.serve.order import Order, order_of
from unblur.serve.photographs import part_answer, photograph_of, picture_answer
from unblur.serve.preview import plan_of
from unblur.serve.restoration import Restoration

_KINDS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".avif": "image/avif",
}


class Results:
    """Everything that is asked about the restoration of a whole photograph; there is one for each."""

    def __init__(self, limits: Limits, device: str) -> None:
        """Within these limits, on the device of that name."""
        self.limits, self.device = limits, device

    def routes(self) -> list[BaseRoute]:
        """What is served."""
        one = "/photographs/{photograph}/restoration"
        return [
            Route(one, self.begin, methods=["POST"]),
            Route(one, self.tell, methods=["GET"]),
            Route(one, self.cancel, methods=["DELETE"]),
            Route(f"{one}/overview", self.overview, methods=["GET"]),
            Route(f"{one}/part", self.part, methods=["GET"]),
            Route(f"{one}/file", self.file, methods=["GET"]),
        ]

    async def begin(self, request: Request) -> Response:
        """Restore all of it; a result that was there before is given up."""
        photograph, words = photograph_of(request), await receive.json_received(request)
        order = await asyncio.to_thread(self._order, words, photograph)
        if photograph.busy:
            raise HTTPException(409, "this photograph is being restored already; cancel that first")
        psf = photograph.file.with_name("psf.npy")
        write_psf(order.psf, psf, overwrite=True)
        photograph.restoration = Restoration(
            {
                "photo": str(photograph.file),
                "psf": str(psf),
                "method": order.method,
                "transfer": order.transfer,
                "settings": order.settings,
                "device": self.device,
            },
            output_beside(photograph.file),
            request.app.state.places,
            self.limits,
        )
        return JSONResponse(_told(photograph), status_code=202)

    async def tell(self, request: Request) -> Response:
        """How far it is."""
        return JSONResponse(_told(photograph_of(request)))

    async def cancel(self, request: Request) -> Response:
        """Stop it; its process is gone when this answers."""
        photograph = photograph_of(request)
        if photograph.restoration is not None:
            photograph.restoration.cancel()
            await photograph.restoration.ended()
        return JSONResponse(_told(photograph))

    async def overview(self, request: Request) -> Response:
        """All of the result, reduced."""
        return await picture_answer(await _result(photograph_of(request)))

    async def part(self, request: Request) -> Response:
        """A part of the result, pixel by pixel."""
        return await part_answer(await _result(photograph_of(request)), request)

    async def file(self, request: Request) -> Response:
        """The result as a file to keep."""
        photograph = photograph_of(request)
        restoration = _done(photograph)
        kind = _KINDS[restoration.output.suffix]
        return FileResponse(restoration.output, media_type=kind, filename=_name(photograph, restoration))

    def _order(self, words: dict[str, object], photograph: Photograph) -> Order:
        """The order, refused before any work is done where it cannot be carried out."""
        order = order_of(words, photograph, self.limits)
        plan_of(photograph.picture, order, torch.device("cpu"))
        return order


def _done(photograph: Photograph) -> Restoration:
    restoration = photograph.restoration
    if restoration is None or restoration.state != "done":
        raise HTTPException(404, "there is no result yet; restore the whole photograph first")
    return restoration


async def _result(photograph: Photograph) -> Picture:
    """The result, decoded once."""
    restoration = _done(photograph)
    if restoration.picture is None:
        picture = await asyncio.to_thread(read_picture, restoration.output)
        restoration.picture = replace(picture, alpha=None)
    return restoration.picture


def _name(photograph: Photograph, restoration: Restoration) -> str:
    """What the result is called: the photograph's own name and ``-restored``."""
    return f"{Path(photograph.name).stem}-restored{restoration.output.suffix}"


def _told(photograph: Photograph) -> dict[str, object]:
    restoration = photograph.restoration
    if restoration is None:
        return {"state": "none"}
    return {
        "state": restoration.state,
        "share": restoration.share,
        "error": restoration.error.replace(str(photograph.file), photograph.name),
        "outcome": restoration.outcome,
        "name": _name(photograph, restoration),
    }
