"""Libraries that only some formats need: asked for when such a file comes, not before."""

from importlib import import_module
from pathlib import Path
from typing import Any

from unblur.errors import ImageError


def extra_library(module: str, extra: str, path: Path, kind: str) -> Any:
    """Import a library that ``pip install unblur[EXTRA]`` brings.

    Args:
        module: its import name.
        extra: the name among the package's extras.
        path: the file that needs it.
        kind: what that file is, for the message.

    Raises:
        ImageError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise ImageError(f"{path} is {kind}, which needs one more library; pip install unblur[{extra}]") from None
