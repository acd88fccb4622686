"""``unblur serve``."""

import ipaddress
import socket
from typing import Annotated

import typer

from unblur.cli.fail import fail
from unblur.cli.output import Json, Quiet, tell
from unblur.errors import ConfigError, UnblurError


def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen. The default is reached from this machine only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 takes any that is free.")] = 8765,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="HOSTNAME", help="A further name under which the page is reached; may be repeated."),
    ] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute.")] = "auto",
    megapixels: Annotated[int, typer.Option(metavar="N", help="Largest photograph that is taken.")] = 100,
    upload: Annotated[int, typer.Option(metavar="MB", help="Largest file that is taken.")] = 500,
    keep: Annotated[
        float, typer.Option(metavar="MINUTES", min=1, help="Idle photographs and results are removed after this.")
    ] = 60,
    open_page: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find the PSF and restore photographs in the browser, on a page of this machine.

    Example: unblur serve --open
    """
    try:
        try:
            import uvicorn

            from unblur.serve.app import build_app
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] not in ("uvicorn", "starlette"):
                raise
            raise ConfigError("the page needs two more libraries; pip install unblur[serve]") from None
        from unblur.serve.guard import LOOPBACK
        from unblur.serve.limits import Limits

        names = LOOPBACK | {host.lower(), *(given.lower() for given in name or [])}
        app = build_app(
            limits=Limits(megapixels=megapixels, upload_megabytes=upload, idle_minutes=keep),
            names=frozenset(names),
            any_address=_is_everywhere(host),
            device=device,
        )
        listening = _listening(host, port)
    except UnblurError as error:
        fail(error)
    address = _address(host, listening.getsockname()[1])
    if not _is_loopback(host):
        typer.echo("unblur: other machines can reach this page, and it asks for no password", err=True)
    if not quiet:
        typer.echo(f"unblur: {address}  (end with Ctrl+C)", err=True)
    tell({"address": address}, as_json=as_json, quiet=True)  # the port may be one that nobody chose
    if open_page:
        import webbrowser

        webbrowser.open(address)
    config = uvicorn.Config(app, log_level="warning", access_log=False, limit_concurrency=512, server_header=False)
    uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there, so that the address is known before the server begins."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)  # who reads the address may use it at once; the server answers when it is ready
    except OSError as error:
        listening.close()
        advice = "choose another --port, or 0 for any" if port else "choose another --host"
        raise ConfigError(f"{host} port {port} cannot be listened on ({error.strerror or error}); {advice}") from None
    return listening


def _is_everywhere(host: str) -> bool:
    return host in ("0.0.0.0", "::")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _address(host: str, port: int) -> str:
    """What to type into a browser on this machine."""
    shown = "127.0.0.1" if host == "0.0.0.0" else "::1" if host == "::" else host
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"
