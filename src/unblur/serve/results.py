"""Routes for the whole photograph: begin, watch, cancel, look at the result, download it."""

import asyncio
import secrets
from pathlib import Path

import torch
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from unblur.errors import ImageError
from unblur.io.psf import write_psf
from unblur.restoration import output_beside
from unblur.serve import receive
from unblur.serve.album import Photograph
from unblur.serve.formats import QUALITY, SAME, Encoded, Format, chosen, encoded, offered
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
_FILES = 3
"""Downloads of one result that are kept."""


class Results:
    """Everything that is asked about the restoration of a whole photograph; there is one for each."""

    def __init__(self, limits: Limits, device: str) -> None:
        """Within these limits, on the device of that name."""
        self.limits, self.device = limits, device
        self._encoding = asyncio.Semaphore(2)  # an encoder may take several times the picture's memory

    def routes(self) -> list[BaseRoute]:
        """What is served."""
        one = "/photographs/{photograph}/restoration"
        return [
            Route(one, self.begin, methods=["POST"]),
            Route(one, self.tell, methods=["GET"]),
            Route(one, self.cancel, methods=["DELETE"]),
            Route(f"{one}/overview", self.overview, methods=["GET"]),
            Route(f"{one}/part", self.part, methods=["GET"]),
            Route(f"{one}/file", self.prepare, methods=["POST"]),
            Route(f"{one}/file", self.file, methods=["GET"]),
        ]

    async def begin(self, request: Request) -> Response:
        """Restore all of it; a result that was there before is given up."""
        photograph, words = photograph_of(request), await receive.json_received(request)
        order = await asyncio.to_thread(self._order, words, photograph)
        if photograph.restoration is not None and not photograph.restoration.over:
            raise HTTPException(409, "this photograph is being restored already; cancel that first")
        _give_up(photograph.restoration)
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
                "deep": order.deep,
            },
            photograph.file.with_name(f"restored-{secrets.token_hex(4)}.npy"),
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
        photograph = photograph_of(request)
        return await picture_answer(photograph, _done(photograph).result(photograph.picture))

    async def part(self, request: Request) -> Response:
        """A part of the result, pixel by pixel."""
        photograph = photograph_of(request)
        return await part_answer(photograph, _done(photograph).result(photograph.picture), request)

    async def prepare(self, request: Request) -> Response:
        """Write the result in a format, and say what of the photograph that could not hold."""
        photograph, words = photograph_of(request), await receive.json_received(request)
        made = await self._file(photograph, words.get("format", SAME), words.get("quality", QUALITY))
        return JSONResponse({"name": _name(photograph, made.file.suffix), "bytes": made.size, "notes": made.notes})

    async def file(self, request: Request) -> Response:
        """The result as a file to keep."""
        photograph, asked = photograph_of(request), request.query_params
        quality = asked.get("quality", str(QUALITY))
        made = await self._file(
            photograph, asked.get("format", SAME), int(quality) if quality.isdecimal() and len(quality) < 4 else quality
        )
        name = _name(photograph, made.file.suffix)
        return FileResponse(made.file, media_type=_KINDS[made.file.suffix.lower()], filename=name)

    async def _file(self, photograph: Photograph, name: object, quality: object) -> Encoded:
        """The result in a format; it is written once."""
        restoration = _done(photograph)
        form, quality = chosen(_formats(photograph), name, quality)
        key = (form.name, quality)
        async with photograph.writing:
            if key not in restoration.files:
                file = photograph.file.with_name(f"download-{secrets.token_hex(4)}{form.ending}")
                async with self._encoding:
                    made = await photograph.done(lambda: _encoded(photograph, restoration, form, quality, file))
                restoration.files[key] = made
                if len(restoration.files) > _FILES:
                    restoration.files.popitem(last=False)[1].file.unlink(missing_ok=True)
        return restoration.files[key]

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


def _give_up(restoration: Restoration | None) -> None:
    """Delete the files of a result that another will replace."""
    if restoration is not None:
        for file in (restoration.output, *(made.file for made in restoration.files.values())):
            file.unlink(missing_ok=True)


def _encoded(
    photograph: Photograph, restoration: Restoration, form: Format, quality: int | None, file: Path
) -> Encoded:
    """Write the result; messages call it by the user's name for it."""
    try:
        return encoded(lambda: restoration.result(photograph.picture), form, quality, file)
    except ImageError as error:
        raise ImageError(str(error).replace(str(file), _name(photograph, file.suffix))) from error


def _formats(photograph: Photograph) -> list[Format]:
    return offered(_done(photograph).result(photograph.picture), output_beside(photograph.file).suffix)


def _name(photograph: Photograph, ending: str) -> str:
    """What the result is called: the photograph's own name and ``-restored``."""
    return f"{Path(photograph.name).stem}-restored{ending}"


def _told(photograph: Photograph) -> dict[str, object]:
    restoration = photograph.restoration
    if restoration is None:
        return {"state": "none"}
    told = restoration.told() | {"error": restoration.error.replace(str(photograph.file), photograph.name)}
    if restoration.state == "done":
        told["formats"] = [
            {"name": form.name, "title": form.title, "quality": QUALITY if form.quality else None}
            for form in _formats(photograph)
        ]
    return told
