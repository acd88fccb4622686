"""The page without a network: requests are handed to the application itself, and all that it logs is heard."""

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote_to_bytes

from unblur.serve.app import build_app
from unblur.serve.limits import Limits

BYTES, JSON = "application/octet-stream", "application/json"
_PART = 65_536
"""Bytes of a body that come at once, as from a network."""
_MUTTERING = {"tifffile", "imagecodecs", "PIL"}
"""Decoders that the command hushes before it serves anything."""
_REAPED = "Unknown child process"
"""What asyncio says when a process that was cancelled has ended before it looked."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the application answered."""

    status: int
    kind: str
    """Of the body: its content type."""
    body: bytes
    trace: str = ""
    """What it raised besides: a server would print that with its trace."""

    @property
    def json(self) -> Any:
        """The body as JSON; constants that are none of JSON's are refused."""

        def refuse(word: str) -> Any:
            raise ValueError(word)

        return json.loads(self.body, parse_constant=refuse)


class Page:
    """The application from its beginning to its end, one request at a time."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Nothing is begun yet."""
        self.app = build_app(limits=limits, device="cpu")
        self.logged: list[str] = []
        """Warnings and worse, since the last look."""
        self._listener = _Listener(self.logged.append)
        self._runner, self._life = asyncio.Runner(), AsyncExitStack()

    def __enter__(self) -> "Page":
        logging.getLogger().addHandler(self._listener)
        self._runner.__enter__()
        self._runner.run(self._begin())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._life.aclose())
        self._runner.__exit__(kind, error, trace)
        logging.getLogger().removeHandler(self._listener)

    @property
    def folder(self) -> Path:
        """Where it keeps its files."""
        folder: Path = self.app.state.album.folder
        return folder

    def files(self) -> set[Path]:
        """Everything that it keeps there."""
        return set(self.folder.rglob("*"))

    def ask(self, method: str, path: str, *, body: bytes = b"", kind: str = "") -> Answer:
        """The answer to one request; ``path`` as it stands in its first line."""
        return self._runner.run(self._asked(method, path, body, kind))

    def rest(self, seconds: float) -> None:
        """Let what it does in the background go on."""
        self._runner.run(asyncio.sleep(seconds))

    async def _begin(self) -> None:
        # Few threads: each claims address space, of which a child that tries cases has little.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(3))
        await self._life.enter_async_context(self.app.router.lifespan_context(self.app))

    async def _asked(self, method: str, path: str, body: bytes, kind: str) -> Answer:
        where, _, query = path.partition("?")
        headers = [(b"host", b"localhost"), (b"content-length", b"%d" % len(body))]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote_to_bytes(where).decode(errors="replace"),
            "raw_path": where.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [*headers, (b"content-type", kind.encode())] if kind else headers,
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
        }
        parts = [body[start : start + _PART] for start in range(0, len(body), _PART)] or [b""]
        answered, sent = asyncio.Event(), list[dict[str, Any]]()

        async def receive() -> dict[str, Any]:
            if parts:
                return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
            await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(dict(message))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answered.set()

        trace = ""
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            trace = repr(error)
        found = {bytes(name).lower(): bytes(value) for name, value in (sent[0]["headers"] if sent else ())}
        return Answer(
            status=sent[0]["status"] if sent else 0,
            kind=found.get(b"content-type", b"").decode(),
            body=b"".join(message.get("body", b"") for message in sent[1:]),
            trace=trace,
        )


class _Listener(logging.Handler):
    """Tells warnings and worse, with the last line of what was raised."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] in _MUTTERING or _REAPED in record.msg:
            return
        raised = f": {record.exc_info[1]!r}" if record.exc_info else ""
        self._say(f"{record.name}: {record.getMessage()}{raised}")
