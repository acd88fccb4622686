"""What a request asks for, checked word by word. No text of a request is ever taken for a path."""

import dataclasses
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from unblur.errors import ConfigError, PsfError
from unblur.method import Method
from unblur.methods import METHODS
from unblur.psf.parse import parse_psf
from unblur.serve.album import Photograph
from unblur.serve.limits import Limits
from unblur.tensors import Psf, Transfer

_SIZES: dict[str, tuple[tuple[int, ...], float]] = {
    "disk": ((0,), 0.5),
    "polygon": ((1,), 0.5),
    "gauss": ((0, 1), 0.125),
    "motion": ((0,), 1.0),
    "shake": ((0,), 1.0),
}
"""By family: which numbers are sizes, and which share of a PSF's side each may be."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """How a photograph, or a part of it, is to be restored."""

    psf: Psf
    method: str | None = None
    transfer: Transfer | None = None
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    deep: bool = False
    """The result has 16 bits even where the photograph has 8."""


def order_of(words: Mapping[str, Any], photograph: Photograph, limits: Limits) -> Order:
    """Read ``{"psf": {"shape": "disk:7"} or {"kept": ID}, "method": …, "transfer": …, "settings": {…}, "deep": true}``.

    Raises:
        ConfigError: an unknown or unsuitable word.
        PsfError: no PSF, or one that is too large.
    """
    method, transfer, settings = words.get("method"), words.get("transfer"), words.get("settings") or {}
    if method is not None and not (isinstance(method, str) and method in METHODS):
        raise ConfigError(f"the method is {method!r}, expected one of {', '.join(METHODS)}")
    if transfer not in (None, "linear", "encoded"):
        raise ConfigError(f"the transfer is {transfer!r}, expected linear or encoded")
    if not isinstance(settings, dict):
        raise ConfigError(f"the settings are {settings!r}, expected names with values")
    if settings:
        if method is None:
            raise ConfigError("settings belong to a method, got none; name it")
        adjustable = {setting.name for setting in adjustables(METHODS[method])}
        for name in settings:
            if name not in adjustable:
                raise ConfigError(f"{method} has no setting {name!r} that can be changed here; leave it out")
    psf, deep = psf_of(words.get("psf"), photograph, limits), words.get("deep") is True
    return Order(psf=psf, method=method, transfer=transfer, settings=settings, deep=deep)


def psf_of(words: object, photograph: Photograph, limits: Limits) -> Psf:
    """The PSF that ``{"shape": "disk:7"}`` or ``{"kept": ID}`` means.

    Raises:
        PsfError: neither, no shape that is known, or one that is too large.
    """
    if isinstance(words, dict) and isinstance(words.get("kept"), str):
        return photograph.psf(words["kept"])
    if not isinstance(words, dict) or not isinstance(words.get("shape"), str):
        raise PsfError("no PSF was named, expected a shape such as disk:7, or one that was drawn or measured")
    _refuse_large(words["shape"], limits.psf_side)
    return accepted(parse_psf(words["shape"]), limits)


def accepted(psf: Psf, limits: Limits) -> Psf:
    """The same PSF, if it is not too large.

    Raises:
        PsfError: it is.
    """
    kh, kw = psf.shape
    if max(kh, kw) > limits.psf_side:
        raise PsfError(f"the PSF has {kw} x {kh} px, expected at most {limits.psf_side} a side here; crop it")
    return psf


def _refuse_large(shape: str, side: int) -> None:
    """A short text can describe a PSF of many megabytes: look at its numbers before it is made."""
    if len(shape) > 100:
        raise PsfError("the shape is longer than 100 letters, expected one such as disk:7")
    family, _, rest = re.sub(r"\s+", "", shape).lower().partition(":")
    places, share = _SIZES.get(family, ((), 1.0))
    numbers = rest.split(",")
    for place in places:
        try:
            size = float(numbers[place])
        except (IndexError, ValueError):
            continue  # left out, or no number: the parser says so
        if not size <= share * side:
            raise PsfError(f"the size of {shape!r} is {size:g} px, expected at most {share * side:g} here")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A setting that a page may change."""

    name: str
    default: object
    kind: Literal["number", "integer", "switch", "choice"]
    choices: tuple[str, ...] = ()


def adjustables(method: Method) -> list[Setting]:
    """Settings that are numbers, switches or choices; never one that names a file."""
    found = []
    hints = typing.get_type_hints(method.settings)
    for entry in dataclasses.fields(method.settings):
        hint = hints[entry.name]
        choices: tuple[str, ...] = ()
        if isinstance(hint, types.UnionType):
            continue
        if typing.get_origin(hint) is Literal:
            kind, choices = "choice", tuple(str(choice) for choice in typing.get_args(hint))
        else:
            kind = {bool: "switch", int: "integer", float: "number"}.get(hint, "")
        if kind:
            found.append(Setting(name=entry.name, default=entry.default, kind=typing.cast(Any, kind), choices=choices))
    return found
