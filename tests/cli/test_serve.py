"""The command that starts the page; the server itself does not run here."""

import socket
import sys
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.loopback import needs_loopback
from unblur.cli import app

uvicorn = pytest.importorskip("uvicorn")
pytestmark = needs_loopback


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What servers were told to run with."""
    runs: list[dict[str, Any]] = []

    def run(self: Any, sockets: list[socket.socket]) -> None:
        (guard,) = self.config.app.user_middleware
        runs.append({"address": sockets[0].getsockname(), **guard.kwargs})
        sockets[0].close()

    monkeypatch.setattr(uvicorn.Server, "run", run)
    return runs


def serve(*words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["serve", *words])


def test_the_page_listens_on_this_machine_only_and_says_where(started: list[dict[str, Any]]) -> None:
    result = serve("--port", "0")

    host, port = started[0]["address"]
    assert host == "127.0.0.1"
    assert f"http://127.0.0.1:{port}/" in result.stderr
    assert started[0]["names"] == {"localhost", "127.0.0.1", "::1"}
    assert not started[0]["any_address"]
    assert "password" not in result.stderr


def test_listening_for_other_machines_needs_to_be_said_and_is_warned_of(started: list[dict[str, Any]]) -> None:
    result = serve("--host", "0.0.0.0", "--port", "0", "--name", "Studio.local")

    assert started[0]["any_address"]
    assert "studio.local" in started[0]["names"]
    assert "asks for no password" in result.stderr


def test_a_port_that_is_taken_is_one_sentence(started: list[dict[str, Any]]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = serve("--port", str(taken.getsockname()[1]))

    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "choose another --port" in result.stderr
    assert not started


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    result = serve("--port", "0")

    assert result.exit_code == 2
    assert "pip install unblur[serve]" in result.stderr


@pytest.mark.parametrize("words", [("--megapixels", "0"), ("--upload", "-1"), ("--device", "abacus")])
def test_limits_that_leave_nothing_are_refused(started: list[dict[str, Any]], words: tuple[str, str]) -> None:
    result = serve("--port", "0", *words)

    assert result.exit_code == 2
    assert not started
