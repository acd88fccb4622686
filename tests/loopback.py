"""Whether this machine lets a process talk to itself; some places that run tests do not."""

import socket
from functools import cache

import pytest


@cache
def loopback() -> bool:
    """A byte sent to 127.0.0.1 arrives."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(5)
            with socket.create_connection(server.getsockname(), timeout=5) as client:
                there, _ = server.accept()
                with there:
                    client.sendall(b"?")
                    return there.recv(1) == b"?"
    except OSError:
        return False


needs_loopback = pytest.mark.skipif(not loopback(), reason="this machine has no loopback interface")
