"""What a method is: a name, a paper, settings, what it expects, and how to make it ready."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch

from unblur.deconvolvers import Deconvolver
from unblur.errors import ConfigError
from unblur.tensors import Psf
from unblur.weights import Weights


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How a method's result on a tile relates to its result on the whole picture.

    ``exact``: equal to float precision when the tile overlaps by ``margin``; ``approximate``: nearly equal, the margin
    being measured so that the largest difference stays below a step of 8 bits, or close to it; ``whole``: tiles are
    refused.
    """

    kind: Literal["exact", "approximate", "whole"]
    margin: Callable[[Any, Psf], int]
    """Settings and PSF → overlap in pixels on each side of a tile."""
    surroundings: Callable[[Any, Psf], int] | None = None
    """The same around a crop, or a tile where the PSF varies, which are photographs of their own; None for as much."""
    grid: int = 1
    """Tiles begin at multiples of this many pixels."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way to restore a photograph, and what it expects."""

    name: str
    title: str
    paper: str
    settings: type
    """A frozen dataclass: every field has a default, a unit and the direction in which it acts."""
    build: Callable[[torch.device, Any], Deconvolver]
    psfs: str = "any"
    """In words: which PSFs it takes."""
    trained: Callable[[Any, Psf], tuple[Weights, ...]] | None = None
    """Settings and PSF → the weights that may be used; None for what is not trained for one PSF."""
    learned: Callable[[Any], Weights] | None = None
    """Settings → the weights of what was trained, but for any PSF."""
    transfer: Literal["any", "linear", "encoded"] = "any"
    """The light in which it must work; ``any`` leaves the choice to the caller."""
    tiling: Tiling
    differentiable: bool = False
    example_psf: str = "disk:2.5"
    bytes_per_pixel: int = 100
    """Peak working memory per pixel and channel of the extended picture; sizes the tiles."""
    bytes_fixed: int = 0
    """What comes on top of that for a picture of any size."""
    working_memory: int = 1_000_000_000
    """Bytes; a picture whose restoration would need more goes in tiles, unless the method refuses them."""

    def refusal(self, psf: Psf, settings: Any = None) -> str | None:
        """Why the method cannot take this PSF, in words that follow its name; None if it can."""
        if self.trained is None:
            return None
        return self.trained(settings or self.settings(), psf)[0].refusal(psf)

    def learned_digest(self, settings: Any, psf: Psf) -> str | None:
        """SHA-256 of what has been learned for a PSF, several joined by ``+``; None for what needs no training."""
        if self.learned is not None:
            return self.learned(settings).card.sha256
        if self.trained is None:
            return None
        return "+".join(weights.card.sha256 for weights in self.trained(settings, psf))

    def margin(self, psf: Psf, settings: Any = None) -> int:
        """Pixels by which a tile must overlap its neighbours, on each side."""
        return self.tiling.margin(settings or self.settings(), psf)

    def surroundings(self, psf: Psf, settings: Any = None) -> int:
        """Pixels that are restored around a part of a photograph, on each side, and thrown away."""
        chosen = self.tiling.surroundings or self.tiling.margin
        return chosen(settings or self.settings(), psf)

    def configured(self, values: Mapping[str, object] | None) -> Any:
        """The method's settings, from plain values or the text of a command line.

        Raises:
            ConfigError: an unknown key (the nearest known one is named), a wrong type or a value out of range.
        """
        known = {field.name: field for field in dataclasses.fields(self.settings)}
        hints = typing.get_type_hints(self.settings)
        chosen: dict[str, object] = {}
        for key, value in (values or {}).items():
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it knows {', '.join(known) or 'no setting'}"
                raise ConfigError(f"{self.name} has no setting {key!r}; {hint}")
            chosen[key] = _converted(f"{self.name}'s {key}", value, hints[key])
        return self.settings(**chosen)


def _converted(what: str, value: object, hint: Any) -> object:
    """``value`` as the type that a settings field declares; text is read, numbers are only widened."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        choices = [choice for choice in typing.get_args(hint) if choice is not type(None)]
        if value is None or value == "none":
            return None
        hint = choices[0]
    if typing.get_origin(hint) is Literal:
        if value in typing.get_args(hint):
            return value
        raise ConfigError(f"{what} is {value!r}, expected one of {', '.join(map(str, typing.get_args(hint)))}")
    if hint is bool and isinstance(value, str):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise ConfigError(f"{what} is {value!r}, expected true or false")
    try:
        if hint is int and isinstance(value, float) and not value.is_integer():
            raise ValueError
        if isinstance(value, bool) and hint is not bool:
            raise ValueError
        return hint(value)
    except (TypeError, ValueError):
        kind = getattr(hint, "__name__", str(hint))
        raise ConfigError(f"{what} is {value!r}, expected {'a number' if kind == 'float' else 'an ' + kind}") from None


WHOLE = Tiling(kind="whole", margin=lambda _, psf: max(psf.shape))
"""Of solvers whose prior couples the whole picture: a tile's edge shows at over 1/255."""
