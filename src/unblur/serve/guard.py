"""What keeps other web pages out: the Host header, the origin of requests, and the headers of every answer.

A page that listens on a loopback address can still be reached by any web site which the user's browser shows. By DNS
rebinding a site points its own name at 127.0.0.1 and reads the answers: so only known names are served. By cross-site
requests it makes the browser post blindly: so requests that say they come from elsewhere are refused.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
ANSWER_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every answer: nothing from outside, no script but our own, no frame around the page, no file taken for another."""


class Guard:
    """ASGI middleware that refuses foreign requests with status 403 before anything is read of them."""

    def __init__(self, app: ASGIApp, *, names: frozenset[str], any_address: bool = False) -> None:
        """Serve under these names.

        Args:
            app: what is guarded.
            names: host names and addresses, lower case, without port.
            any_address: serve under every numeric address as well, for a server that listens on all of them; such an
                address cannot be rebound.
        """
        self.app, self.names, self.any_address = app, names, any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ANSWER_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        reason = self.refusal(scope["method"], scope["path"], Headers(scope=scope))
        if reason is None:
            await self.app(scope, receive, send_with_headers)
        else:
            await JSONResponse({"error": reason}, status_code=403)(scope, receive, send_with_headers)

    def refusal(self, method: str, path: str, headers: Headers) -> str | None:
        """Why a request is not served, in one sentence; None if it is."""
        host = headers.get("host", "").lower()
        if not self._is_ours(host):
            return f"this page is not served under the name {host!r}; see unblur serve --help, --name"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host:
            return f"a request from {origin!r} is not served; only this page's own are"
        foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if foreign and not (method == "GET" and path == "/"):  # a link that leads here is no harm
            return "a request from another web page is not served; open this page itself"
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether a Host header, with or without port, names this server."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self.names or (self.any_address and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
