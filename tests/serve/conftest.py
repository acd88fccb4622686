"""A real server on a free port, and a plain HTTP client for it."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from tests.conftest import make_chart
from tests.loopback import loopback
from unblur.serve.limits import Limits

uvicorn = pytest.importorskip("uvicorn")


@pytest.fixture(autouse=True, scope="session")
def talks_to_itself() -> None:
    """Without a loopback interface there is no page to test."""
    if not loopback():
        pytest.skip("this machine has no loopback interface")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def pixels(self) -> "np.ndarray[Any, np.dtype[Any]]":
        """The body as a picture."""
        return np.asarray(Image.open(BytesIO(self.body)))


class Client:
    """Asks one server, every question on a connection of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(
        self, method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None, json_: object = None
    ) -> Answer:
        sent = dict(headers or {})
        if json_ is not None:
            body = json.dumps(json_).encode()
            sent = {"content-type": "application/json"} | sent
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body=body or None, headers=sent)
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, words: object) -> Answer:
        return self.ask("POST", path, json_=words)

    def send_file(self, path: str, content: bytes, name: str) -> Answer:
        return self.ask(
            "POST", f"{path}name={quote(name)}", body=content, headers={"content-type": "application/octet-stream"}
        )

    def opened(self, content: bytes, name: str = "moon.png") -> str:
        """The path of a photograph that was let in."""
        answer = self.send_file("/photographs?", content, name)
        assert answer.status == 201, answer.body
        return f"/photographs/{answer.json['id']}"

    def restored(self, photograph: str, words: object) -> dict[str, Any]:
        """Restore the whole and wait for it."""
        begun = self.post(f"{photograph}/restoration", words)
        assert begun.status == 202, begun.body
        return self.awaited(photograph)

    def awaited(self, photograph: str, *states: str) -> dict[str, Any]:
        """Wait for one of these states, or for the end."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            told: dict[str, Any] = self.get(f"{photograph}/restoration").json
            if told["state"] in (states or ("done", "failed", "cancelled")):
                return told
            time.sleep(0.05)
        raise AssertionError(f"still {told['state']}")


class Server:
    """One in a thread of this process."""

    def __init__(self, **options: Any) -> None:
        from unblur.serve.app import build_app

        self.app = build_app(device="cpu", **options)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_level="critical", access_log=False))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    def __enter__(self) -> "Server":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    @property
    def client(self) -> Client:
        return Client(self.port)

    @property
    def folder(self) -> Path:
        """Where it keeps its files."""
        folder: Path = self.app.state.album.folder
        return folder


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    """One for all tests that do not change its limits."""
    with Server(limits=Limits(photographs=50, giving_way_minutes=0.0)) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Client:
    """Asks that server."""
    return server.client


def png(height: int = 96, width: int = 128, *, colour: bool = True, bits: int = 8) -> bytes:
    """A chart as a file; nothing in it is symmetric."""
    grey = make_chart(height, width)[0, 0].numpy()
    values = np.stack([grey, grey * 0.8, 1 - grey], axis=2) if colour else grey
    file = BytesIO()
    if bits == 16:
        from unblur.io.png16 import encode_png16

        return encode_png16((values * 65535).round().astype(np.uint16).reshape(height, width, -1))
    Image.fromarray((values * 255).round().astype(np.uint8)).save(file, "PNG")
    return file.getvalue()
