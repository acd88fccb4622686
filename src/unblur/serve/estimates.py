"""Routes for a PSF that is estimated from the photograph alone: begin, watch, cancel."""

import secrets

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from unblur.errors import ConfigError
from unblur.io.psf import read_psf
from unblur.serve import receive
from unblur.serve.album import Photograph
from unblur.serve.estimation import Estimation
from unblur.serve.limits import Limits
from unblur.serve.order import accepted
from unblur.serve.photographs import photograph_of
from unblur.serve.psfs import told_of

_KINDS = ("shake", "disk", "motion")


class Estimates:
    """Everything that is asked about the estimation of a PSF; there is one for each photograph."""

    def __init__(self, limits: Limits) -> None:
        """Within these limits."""
        self.limits = limits

    def routes(self) -> list[BaseRoute]:
        """What is served."""
        one = "/photographs/{photograph}/estimation"
        return [
            Route(one, self.begin, methods=["POST"]),
            Route(one, self.tell, methods=["GET"]),
            Route(one, self.cancel, methods=["DELETE"]),
        ]

    async def begin(self, request: Request) -> Response:
        """Estimate; an estimate that was there before is given up."""
        photograph, words = photograph_of(request), await receive.json_received(request)
        order = self._order(words, photograph)
        if photograph.estimation is not None and not photograph.estimation.over:
            raise HTTPException(409, "this photograph's blur is being estimated already; cancel that first")
        if photograph.estimation is not None:
            photograph.estimation.output.unlink(missing_ok=True)
        output = photograph.file.with_name(f"estimate-{secrets.token_hex(4)}.npy")
        photograph.estimation = Estimation(order, output, request.app.state.estimating, self.limits)
        return JSONResponse(await _told(photograph, self.limits), status_code=202)

    async def tell(self, request: Request) -> Response:
        """How far it is, and at the end the PSF."""
        return JSONResponse(await _told(photograph_of(request), self.limits))

    async def cancel(self, request: Request) -> Response:
        """Stop it; its process is gone when this answers."""
        photograph = photograph_of(request)
        if photograph.estimation is not None:
            photograph.estimation.cancel()
            await photograph.estimation.ended()
        return JSONResponse(await _told(photograph, self.limits))

    def _order(self, words: dict[str, object], photograph: Photograph) -> dict[str, object]:
        """What the process reads, checked word by word."""
        kind, size, box, transfer = (words.get(name) for name in ("kind", "size", "box", "transfer"))
        if kind not in _KINDS:
            raise ConfigError(f"the kind of blur is {kind!r}, expected one of {', '.join(_KINDS)}")
        if type(size) is not int or not 3 <= size <= self.limits.estimated_side or size % 2 == 0:
            raise ConfigError(f"the size is {size!r}, expected an odd number from 3 to {self.limits.estimated_side}")
        if transfer not in (None, "linear", "encoded"):
            raise ConfigError(f"the transfer is {transfer!r}, expected linear or encoded")
        if box is not None:
            left, top, width, height = receive.box_of(
                box, photograph.picture.size, largest=self.limits.estimated_pixels
            )
            box = (left, top, left + width, top + height)
        return {
            "photo": str(photograph.file),
            "size": size,
            "kind": kind,
            "box": box,
            "transfer": transfer or "linear",
            "anyway": words.get("anyway") is True,
        }


async def _told(photograph: Photograph, limits: Limits) -> dict[str, object]:
    estimation = photograph.estimation
    if estimation is None:
        return {"state": "none"}
    told = estimation.told() | {"error": estimation.error.replace(str(photograph.file), photograph.name)}
    if estimation.state == "done":
        if estimation.answer is None:
            psf = await photograph.done(lambda: accepted(read_psf(estimation.output), limits))
            estimation.answer = told_of(psf) | {"kept": photograph.keep_psf(psf)}
        told["psf"] = estimation.answer
    return told
