"""Routes for a photograph: open it, look at it, preview a part."""

import asyncio
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from unblur.errors import ImageError
from unblur.io.arrays import check_range, planes_of_array
from unblur.io.picture import Picture
from unblur.io.read import read_picture
from unblur.methods import METHODS, default_method
from unblur.psf.parametric import delta
from unblur.serve import receive
from unblur.serve.album import Photograph
from unblur.serve.limits import MEGA, Limits
from unblur.serve.mapped import laid_down
from unblur.serve.order import adjustables, order_of
from unblur.serve.preview import doubt_of, preview
from unblur.serve.screen import shown

OVERVIEW = 2048
"""Longest side in pixels of a picture that is shown whole."""
_LARGEST_PART = 8 * MEGA
"""Pixels of a part that is shown as it is."""


class Photographs:
    """Everything that is asked about photographs, results apart."""

    def __init__(self, limits: Limits, device: torch.device) -> None:
        """Within these limits, on this device."""
        self.limits, self.device = limits, device
        self._decoding = asyncio.Semaphore(1)  # a decoder may take several times the picture's memory
        self._receiving = asyncio.Semaphore(8)

    def routes(self) -> list[BaseRoute]:
        """What is served."""
        one = "/photographs/{photograph}"
        return [
            Route("/methods", self.methods, methods=["GET"]),
            Route("/photographs", self.open, methods=["POST"]),
            Route(one, self.close, methods=["DELETE"]),
            Route(f"{one}/overview", self.overview, methods=["GET"]),
            Route(f"{one}/part", self.part, methods=["GET"]),
            Route(f"{one}/preview", self.preview, methods=["POST"]),
        ]

    async def methods(self, request: Request) -> Response:
        """The methods and what of them can be set."""
        del request
        told = [
            {
                "name": method.name,
                "title": method.title,
                "transfer": method.transfer,
                "settings": [asdict(setting) for setting in adjustables(method)],
            }
            for method in METHODS.values()
        ]
        limits = {"upload_megabytes": self.limits.upload_megabytes, "megapixels": self.limits.megapixels}
        return JSONResponse({"methods": told, "default": default_method(delta()), "limits": limits})

    async def open(self, request: Request) -> Response:
        """Take a photograph in."""
        album, name = request.app.state.album, receive.file_name(request)
        folder = album.new_folder()
        file = folder / f"photograph{receive.ending(name)}"
        try:
            async with self._receiving:
                await receive.file_received(request, file, self.limits, limit=self.limits.upload_bytes)
            async with self._decoding:
                picture = await asyncio.to_thread(_read, file, name, self.limits.pixels)
            photograph = album.add(name, file, picture)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        height, width = picture.size
        told = {
            "id": photograph.id,
            "name": name,
            "width": width,
            "height": height,
            "depth": {"uint8": "8 bits", "uint16": "16 bits"}.get(picture.pixels.dtype.name, "float"),
            "colours": picture.pixels.shape[2],
            "encoding": picture.encoding,
            "notes": picture.notes,
        }
        return JSONResponse(told, status_code=201)

    async def close(self, request: Request) -> Response:
        """Remove a photograph and all that belongs to it."""
        request.app.state.album.remove(photograph_of(request))
        return Response(status_code=204)

    async def overview(self, request: Request) -> Response:
        """All of it, reduced."""
        photograph = photograph_of(request)
        return await picture_answer(photograph, photograph.picture)

    async def part(self, request: Request) -> Response:
        """A part, pixel by pixel."""
        photograph = photograph_of(request)
        return await part_answer(photograph, photograph.picture, request)

    async def preview(self, request: Request) -> Response:
        """Restore a part."""
        photograph, words = photograph_of(request), await receive.json_received(request)
        box = receive.box_of(words.get("box"), photograph.picture.size, largest=self.limits.preview_pixels)

        def work(report: Any) -> tuple[bytes, dict[str, str]]:
            order = order_of(words, photograph, self.limits)
            done = preview(photograph, box, order, device=self.device, report=report)
            headers = {
                "x-method": done.method,
                "x-seconds": f"{done.seconds:.3f}",
                "x-worked": str(done.worked),
                "x-doubt": doubt_of(photograph, order, self.device),
            }
            return shown(done.picture), headers

        png, headers = await request.app.state.previews.newest(photograph, work)
        return Response(png, media_type="image/png", headers=headers)


def photograph_of(request: Request) -> Photograph:
    """The photograph that a request is about."""
    photograph: Photograph = request.app.state.album.get(request.path_params["photograph"])
    return photograph


async def picture_answer(photograph: Photograph, picture: Picture) -> Response:
    """All of a picture that belongs to a photograph, reduced."""
    png = await photograph.done(lambda: shown(picture, longest=OVERVIEW))
    return Response(png, media_type="image/png")


async def part_answer(photograph: Photograph, picture: Picture, request: Request) -> Response:
    """The part ``?box=LEFT,TOP,WIDTH,HEIGHT``, pixel by pixel."""
    words = request.query_params.get("box", "").split(",")
    numbers = [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 10]
    box = receive.box_of(numbers, picture.size, largest=_LARGEST_PART)
    return Response(await photograph.done(lambda: shown(picture, box)), media_type="image/png")


def _read(file: Path, name: str, limit: int) -> Picture:
    """Decode an upload; messages call it by the user's name for it."""
    try:
        picture = read_picture(file, limit=limit)
        check_range(planes_of_array(picture.pixels))
    except ImageError as error:
        raise ImageError(str(error).replace(str(file), name)) from error
    return laid_down(picture, file.parent)
