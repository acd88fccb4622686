"""What comes with a request: bodies of bounded size, numbers, names."""

import asyncio
import json
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from unblur.errors import ConfigError
from unblur.io import raw
from unblur.io.psf import READABLE
from unblur.io.write import FORMATS
from unblur.serve.limits import MEGA, Limits
from unblur.serve.screen import Box

_LONGEST_JSON = 1 * MEGA
_LONGEST_NAME = 200
ENDINGS = frozenset({*FORMATS, *raw.ENDINGS, ".fits", ".fit", ".fts", ".heic", ".heif", ".gif"})
"""File name endings that are kept of a photograph's name: they tell RAW files, and the format of the result."""


async def file_received(request: Request, path: Path, limits: Limits, *, limit: int) -> None:
    """Write the body to a new file.

    Raises:
        HTTPException: 408 where it does not come, or too slowly; 413 where it is larger than ``limit`` bytes, declared
            or not; 415 for the body of a plain form, which any web page may send.
    """
    if request.headers.get("content-type", "") != "application/octet-stream":
        raise HTTPException(415, "expected the bytes of a file, of the type application/octet-stream")
    too_large = HTTPException(413, f"the file is larger than {limit / MEGA:g} MB; see unblur serve --help")
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > limit:
        raise too_large
    size, clock = 0, asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(60 * limits.upload_minutes) as whole, asyncio.timeout(limits.stall_seconds) as stall:
            with path.open("xb") as file:
                async for part in request.stream():
                    stall.reschedule(clock() + limits.stall_seconds)
                    size += len(part)
                    if size > limit:
                        raise too_large
                    file.write(part)
    except TimeoutError:
        reason = "takes too long" if whole.expired() else f"stood still for {limits.stall_seconds:g} seconds"
        raise HTTPException(408, f"the upload {reason}; send the file again") from None


async def json_received(request: Request) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        HTTPException: 413 where it is too long, 415 where it does not declare itself as JSON.
        ConfigError: it is none.
    """
    if request.headers.get("content-type", "") != "application/json":
        raise HTTPException(415, "expected JSON, of the type application/json")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_JSON:
            raise HTTPException(413, f"the request is longer than {_LONGEST_JSON / MEGA:g} MB")
    try:
        words = json.loads(body)
    except (ValueError, RecursionError):
        words = None
    if not isinstance(words, dict):
        raise ConfigError("the request is no JSON object")
    return words


def file_name(request: Request) -> str:
    """The name that the user's machine gives the file, without folders and control characters; only ever shown."""
    name = request.query_params.get("name", "").replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in name if letter.isprintable()).strip()
    return kept[-_LONGEST_NAME:] or "photograph"


def ending(name: str, allowed: frozenset[str] | tuple[str, ...] = ENDINGS) -> str:
    """The name's ending if it is a known one, else none: nothing else of a name gets onto the disk."""
    suffix = Path(name).suffix.lower()
    return suffix if suffix in allowed else ""


def psf_ending(name: str) -> str:
    """The same for files of PSFs; what is not known is tried as a picture."""
    return ending(name, READABLE) or ".png"


def box_of(words: object, size: tuple[int, int], *, largest: int) -> Box:
    """``[left, top, width, height]`` of whole pixels inside a picture.

    Args:
        words: from a request.
        size: height and width of the picture.
        largest: most pixels in the part.

    Raises:
        ConfigError: something else, or a part that is empty, too large or outside.
    """
    if not (isinstance(words, list) and len(words) == 4 and all(type(word) is int for word in words)):
        raise ConfigError(f"the part is {words!r}, expected four whole numbers: left, top, width, height")
    left, top, width, height = words
    inside = left >= 0 and top >= 0 and left + width <= size[1] and top + height <= size[0]
    if not (inside and width > 0 and height > 0 and width * height <= largest):
        raise ConfigError(
            f"the part of {width} x {height} px at {left},{top} does not lie in the picture of {size[1]} x {size[0]}, "
            f"or has more than {largest} px"
        )
    return left, top, width, height


def number(words: object, name: str) -> float:
    """A number from a request.

    Raises:
        ConfigError: it is none, or NaN, or beyond 1e9.
    """
    if isinstance(words, bool) or not isinstance(words, int | float) or not abs(words) <= 1e9:  # NaN is no number
        raise ConfigError(f"{name} is {words!r}, expected a number")
    return float(words)
