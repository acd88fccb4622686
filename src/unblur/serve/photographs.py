"""Routes for a photograph: open it, look at it, find its PSF, preview a part."""

import asyncio
import base64
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from unblur.errors import ImageError, PsfError, UnblurError
from unblur.io.arrays import check_range, planes_of_array
from unblur.io.picture import Picture
from unblur.io.psf import read_psf
from unblur.io.read import read_picture
from unblur.measurement import point_in_file
from unblur.methods import METHODS, default_method
from unblur.psf.drawn import drawn
from unblur.psf.parametric import delta
from unblur.serve import receive
from unblur.serve.album import Photograph
from unblur.serve.limits import MEGA, Limits
from unblur.serve.order import accepted, adjustables, order_of, psf_of
from unblur.serve.preview import doubt_of, preview
from unblur.serve.screen import shown
from unblur.tensors import Psf

OVERVIEW = 2048
"""Longest side in pixels of a picture that is shown whole."""
_LARGEST_PART = 8 * MEGA
"""Pixels of a part that is shown as it is."""
_LARGEST_PSF_FILE = 20 * MEGA
_MOST_POINTS = 5000


class Photographs:
    """Everything that is asked about photographs, results apart."""

    def __init__(self, limits: Limits, device: torch.device) -> None:
        """Within these limits, on this device."""
        self.limits, self.device = limits, device
        self._decoding = asyncio.Semaphore(1)  # a decoder may take several times the picture's memory
        self._receiving = asyncio.Semaphore(4)

    def routes(self) -> list[BaseRoute]:
        """What is served."""
        one = "/photographs/{photograph}"
        return [
            Route("/methods", self.methods, methods=["GET"]),
            Route("/photographs", self.open, methods=["POST"]),
            Route(one, self.close, methods=["DELETE"]),
            Route(f"{one}/overview", self.overview, methods=["GET"]),
            Route(f"{one}/part", self.part, methods=["GET"]),
            Route(f"{one}/psf", self.psf, methods=["POST"]),
            Route(f"{one}/psf/drawn", self.psf_drawn, methods=["POST"]),
            Route(f"{one}/psf/point", self.psf_point, methods=["POST"]),
            Route(f"{one}/psf/file", self.psf_file, methods=["POST"]),
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
                await receive.file_received(request, file, limit=self.limits.upload_bytes)
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
        return await picture_answer(photograph_of(request).picture)

    async def part(self, request: Request) -> Response:
        """A part, pixel by pixel."""
        return await part_answer(photograph_of(request).picture, request)

    async def psf(self, request: Request) -> Response:
        """Draw a PSF that a shape describes, and say which methods take it."""
        photograph, words = photograph_of(request), await receive.json_received(request)
        return JSONResponse(await asyncio.to_thread(lambda: _told(psf_of(words, photograph, self.limits))))

    async def psf_drawn(self, request: Request) -> Response:
        """Make a PSF of a path drawn by hand."""
        photograph, words = photograph_of(request), await receive.json_received(request)
        points, width = words.get("points"), receive.number(words.get("width", 1), "the width")
        if not isinstance(points, list) or len(points) > _MOST_POINTS:
            raise PsfError(f"the drawing is no list of up to {_MOST_POINTS} points; draw it again")
        if not all(isinstance(point, list) and len(point) == 2 for point in points):
            raise PsfError("the drawing has a point that is not two numbers; draw it again")
        path = [(receive.number(x, "x"), receive.number(y, "y")) for x, y in points]
        spread = max((abs(a - b) for side in (0, 1) for a in _ends(path, side) for b in _ends(path, side)), default=0)
        if spread > self.limits.psf_side:
            raise PsfError(f"the drawing is {spread:.0f} px wide, expected at most {self.limits.psf_side}")
        psf = await asyncio.to_thread(lambda: accepted(drawn(path, width=width), self.limits))
        return JSONResponse(_told(psf) | {"kept": photograph.keep_psf(psf)})

    async def psf_point(self, request: Request) -> Response:
        """Take a light in the photograph itself for the PSF."""
        photograph, words = photograph_of(request), await receive.json_received(request)
        x, y = receive.number(words.get("x"), "x"), receive.number(words.get("y"), "y")
        size, alone = words.get("size"), words.get("alone") is True
        if size is not None:
            size = int(receive.number(size, "the size"))
        async with self._decoding:
            found = await asyncio.to_thread(point_in_file, photograph.file, x, y, size=size, alone=alone)
        psf = accepted(found.psf, self.limits)
        facts = {"x": found.x, "y": found.y, "repaired": found.repaired, "contrast": found.contrast}
        return JSONResponse(_told(psf) | {"kept": photograph.keep_psf(psf)} | facts)

    async def psf_file(self, request: Request) -> Response:
        """Take an uploaded file for the PSF."""
        photograph, name = photograph_of(request), receive.file_name(request)
        asked = request.query_params
        folder = request.app.state.album.new_folder()
        file = folder / f"psf{receive.psf_ending(name)}"
        try:
            await receive.file_received(request, file, limit=_LARGEST_PSF_FILE)
            async with self._decoding:
                psf = await asyncio.to_thread(
                    read_psf, file, recentre=asked.get("recentre") == "1", flip=asked.get("flip") == "1"
                )
        except UnblurError as error:
            raise PsfError(str(error).replace(str(file), name)) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        psf = accepted(psf, self.limits)
        return JSONResponse(_told(psf) | {"kept": photograph.keep_psf(psf)})

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


async def picture_answer(picture: Picture) -> Response:
    """All of a picture, reduced."""
    png = await asyncio.to_thread(shown, picture, longest=OVERVIEW)
    return Response(png, media_type="image/png")


async def part_answer(picture: Picture, request: Request) -> Response:
    """The part ``?box=LEFT,TOP,WIDTH,HEIGHT``, pixel by pixel."""
    words = request.query_params.get("box", "").split(",")
    numbers = [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 10]
    box = receive.box_of(numbers, picture.size, largest=_LARGEST_PART)
    return Response(await asyncio.to_thread(shown, picture, box), media_type="image/png")


def _read(file: Path, name: str, limit: int) -> Picture:
    """Decode an upload; messages call it by the user's name for it."""
    try:
        picture = read_picture(file, limit=limit)
        check_range(planes_of_array(picture.pixels))
    except ImageError as error:
        raise ImageError(str(error).replace(str(file), name)) from error
    return picture


def _told(psf: Psf) -> dict[str, Any]:
    """A PSF for the page to draw, and the methods that do not take it."""
    levels = np.rint(psf.numpy() / float(psf.max()) * 255).astype(np.uint8)
    refused = {}
    for method in METHODS.values():
        try:
            reason = method.refusal(psf)
        except UnblurError as error:  # weights that are not there
            reason = str(error)
        if reason is not None:
            refused[method.name] = reason
    return {
        "width": psf.shape[1],
        "height": psf.shape[0],
        "levels": base64.b64encode(levels.tobytes()).decode(),
        "refused": refused,
    }


def _ends(path: list[tuple[float, float]], side: int) -> tuple[float, ...]:
    values = [point[side] for point in path]
    return (min(values), max(values)) if values else ()
