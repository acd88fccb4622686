"""Restores photographs whose blur is known.

>>> import unblur
>>> sharp = unblur.restore(photograph, psf="disk:7")  # doctest: +SKIP

The public names are loaded when they are first asked for, so that ``unblur --help`` need not wait for PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unblur.degrade.camera import Camera as Camera
    from unblur.errors import Cancelled as Cancelled
    from unblur.errors import ConfigError as ConfigError
    from unblur.errors import ImageError as ImageError
    from unblur.errors import PsfError as PsfError
    from unblur.errors import UnblurError as UnblurError
    from unblur.errors import WeightsError as WeightsError
    from unblur.io.psf import read_psf as read_psf
    from unblur.methods import METHODS as METHODS
    from unblur.metrics import psnr as psnr
    from unblur.metrics import ssim as ssim
    from unblur.restoration import restore as restore
    from unblur.restoration import restore_file as restore_file

__version__ = "0.1.0"

_PLACES = {
    "METHODS": "methods",
    "Camera": "degrade.camera",
    "Cancelled": "errors",
    "ConfigError": "errors",
    "ImageError": "errors",
    "PsfError": "errors",
    "UnblurError": "errors",
    "WeightsError": "errors",
    "psnr": "metrics",
    "read_psf": "io.psf",
    "restore": "restoration",
    "restore_file": "restoration",
    "ssim": "metrics",
}

__all__ = [
    "METHODS",
    "Camera",
    "Cancelled",
    "ConfigError",
    "ImageError",
    "PsfError",
    "UnblurError",
    "WeightsError",
    "psnr",
    "read_psf",
    "restore",
    "restore_file",
    "ssim",
]


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'unblur' has no attribute {name!r}")
    return getattr(import_module(f"unblur.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
