"""Routes for the PSF: drawn from a shape or by hand, read from a file, measured at a light or on an edge."""

import base64
import shutil
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from unblur.errors import PsfError, UnblurError
from unblur.io.psf import read_psf
from unblur.measurement import edge_in_picture, point_in_picture
from unblur.methods import METHODS
from unblur.psf.drawn import drawn
from unblur.psf.parse import parse_psf
from unblur.serve import receive
from unblur.serve.limits import MEGA, Limits
from unblur.serve.order import accepted, psf_of
from unblur.serve.photographs import photograph_of
from unblur.tensors import Psf

_LARGEST_FILE = 20 * MEGA
_MOST_POINTS = 5000
_LARGEST_BOX = 1 * MEGA
"""Pixels around an edge; a longer one is measured no better."""


class Psfs:
    """Everything that finds a PSF within a moment."""

    def __init__(self, limits: Limits) -> None:
        """Within these limits."""
        self.limits = limits

    def routes(self) -> list[BaseRoute]:
        """What is served."""
        one = "/photographs/{photograph}/psf"
        return [
            Route(one, self.shape, methods=["POST"]),
            Route(f"{one}/drawn", self.drawn, methods=["POST"]),
            Route(f"{one}/point", self.point, methods=["POST"]),
            Route(f"{one}/edge", self.edge, methods=["POST"]),
            Route(f"{one}/file", self.file, methods=["POST"]),
        ]

    async def shape(self, request: Request) -> Response:
        """Draw a PSF that a shape describes, and say which methods take it."""
        photograph, words = photograph_of(request), await receive.json_received(request)
        return JSONResponse(await photograph.done(lambda: told_of(psf_of(words, photograph, self.limits))))

    async def drawn(self, request: Request) -> Response:
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
        psf = await photograph.done(lambda: accepted(drawn(path, width=width), self.limits))
        return JSONResponse(told_of(psf) | {"kept": photograph.keep_psf(psf)})

    async def point(self, request: Request) -> Response:
        """Take a light in the photograph itself for the PSF."""
        photograph, words = photograph_of(request), await receive.json_received(request)
        x, y = receive.number(words.get("x"), "x"), receive.number(words.get("y"), "y")
        size, alone = words.get("size"), words.get("alone") is True
        if size is not None:
            size = int(receive.number(size, "the size"))
        found = await photograph.done(lambda: point_in_picture(photograph.picture, x, y, size=size, alone=alone))
        psf = accepted(found.psf, self.limits)
        facts = {"x": found.x, "y": found.y, "repaired": found.repaired, "contrast": found.contrast}
        return JSONResponse(told_of(psf) | {"kept": photograph.keep_psf(psf)} | facts)

    async def edge(self, request: Request) -> Response:
        """Take the blur of a straight edge in the photograph for the PSF: the shape that fits better."""
        photograph, words = photograph_of(request), await receive.json_received(request)
        box = receive.box_of(words.get("box"), photograph.picture.size, largest=_LARGEST_BOX)
        corners = (box[0], box[1], box[0] + box[2] - 1, box[1] + box[3] - 1)
        found = await photograph.done(lambda: edge_in_picture(photograph.picture, corners))
        psf = accepted(parse_psf(found.best.spec), self.limits)
        fits = [{"shape": fit.spec, "error": fit.error} for fit in (found.best, found.other)]
        return JSONResponse(told_of(psf) | {"fits": fits, "angle": found.angle, "corners": corners})

    async def file(self, request: Request) -> Response:
        """Take an uploaded file for the PSF."""
        photograph, name = photograph_of(request), receive.file_name(request)
        asked = request.query_params
        folder = request.app.state.album.new_folder()
        file = folder / f"psf{receive.psf_ending(name)}"
        try:
            await receive.file_received(request, file, self.limits, limit=_LARGEST_FILE)
            recentre, flip = asked.get("recentre") == "1", asked.get("flip") == "1"
            psf = await photograph.done(lambda: read_psf(file, recentre=recentre, flip=flip))
        except UnblurError as error:
            raise PsfError(str(error).replace(str(file), name)) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        psf = accepted(psf, self.limits)
        return JSONResponse(told_of(psf) | {"kept": photograph.keep_psf(psf)})


def told_of(psf: Psf) -> dict[str, Any]:
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
