"""Recipes: what to train, on what data, for how long. TOML in, frozen dataclasses out, unknown keys refused."""

import dataclasses
import difflib
import hashlib
import itertools
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_origin

from unblur.errors import ConfigError
from unblur.networks import odcnn, universal
from unblur.train.optimizer import OptimizerName
from unblur.train.variety import Variety

T = TypeVar("T")
PARTS: Mapping[str, tuple[str, ...]] = {
    "odcnn": ("deconvolution", "denoise", "joint"),
    "universal": ("rounds", "universal", "joint"),
}
"""The trainable parts of each network, in the order in which they are trained (for the paper's: its section 5). In the
last all weights learn together."""
PRESETS = {"odcnn": odcnn.PRESETS, "universal": universal.PRESETS}
"""Network → sizes by name."""
LARGEST_FILE = 2**20
"""Bytes of a recipe."""
LARGEST = {"steps": 10**9, "batch": 65536, "patch": 4096, "repeats": 1000, "sizes": 10_000}
"""Numbers above these are slips of the keyboard, and would fill all memory before they showed."""
ANY = "any"
"""The ``psf`` of a recipe that trains for every PSF."""


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The camera that degrades the training patches (paper, Eq. 1); pairs are ranges, drawn evenly per patch."""

    noise: tuple[float, float] = (0.008, 0.012)
    """Standard deviation of the Gaussian noise, white = 1."""
    jpeg: tuple[float, float] = (70.0, 80.0)
    """JPEG quality."""
    saturated: float = 0.75
    """Share of the patches that are exposed until their lights clip; the others keep gain 1."""
    gain: tuple[float, float] = (0.9, 1.3)
    """Those patches' gain, as a multiple of the gain at which 3.5 % of the photograph clips; kept within 1 to 2."""
    lights: tuple[float, float] = (1.0, 1.0)
    """What clips is made so many times brighter before the blur."""
    transfer: Literal["encoded", "linear"] = "encoded"
    """The light in which the blur holds; the paper's networks know ``encoded``."""

    def __post_init__(self) -> None:
        """Refuse ranges that are none."""
        limits = {"noise": (0.0, 1.0), "jpeg": (1, 100), "gain": (0.1, 10.0), "lights": (1.0, 100.0)}
        for name, (lowest, highest) in limits.items():
            low, high = getattr(self, name)
            if not lowest <= low <= high <= highest:
                raise ConfigError(f"data.{name} is {[low, high]}, expected a rising range within {lowest} to {highest}")
        if not 0 <= self.saturated <= 1:
            raise ConfigError(f"data.saturated is {self.saturated}, expected a share of 0 to 1")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stretch of training: which part, on how much data, at what pace."""

    part: Literal["deconvolution", "denoise", "joint", "rounds", "universal"]
    steps: int
    """Optimiser steps."""
    batch: int = 8
    """Patches a step, over all processes together."""
    patch: int = 192
    """Side of the blurred patches in pixels; larger ones waste less on the network's margin."""
    rate: float = 1e-3
    """Learning rate at its peak; it falls along a cosine to a hundredth."""
    separable_rate: float = 1e-4
    """Learning rate of the two long layers: badly conditioned, they bear less."""
    warmup: int = 100
    """Steps over which the rates rise from zero."""
    rim: bool = False
    """Whether the loss counts the rim of partial sums too, as the paper has it."""
    optimizer: Literal["", "adam", "muon", "sgd"] = ""
    """Another than the recipe's for this stage."""
    repeats: int = 1
    """How often each batch is learned from, in shuffled order among others. What is frozen, such as the rounds behind
    the U-Nets, is computed once for all of them."""
    average: float = 0.0
    """What validates, ships and is built upon is a running mean of the weights that keeps this share of itself at each
    step; 0.99 holds the last hundred or so. 0 takes the last weights alone."""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        for name in ("steps", "batch", "patch", "repeats"):
            if getattr(self, name) < 1:
                raise ConfigError(f"stages.{name} is {getattr(self, name)}, expected 1 or more")
            if getattr(self, name) > LARGEST[name]:
                raise ConfigError(f"stages.{name} is {getattr(self, name)}, expected at most {LARGEST[name]}")
        for name in ("rate", "separable_rate"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"stages.{name} is {getattr(self, name)}, expected a number between 0 and 1")
        if not 0 <= self.average < 1:
            raise ConfigError(f"stages.average is {self.average}, expected 0 or more and less than 1")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a training run produces, but the photographs."""

    name: str
    psf: str
    """In the grammar of ``unblur psf``, or a file; ``any`` for ``universal``. The command line may replace it."""
    network: Literal["odcnn", "universal"] = "odcnn"
    """Which network: the paper's, or the one for every PSF."""
    preset: str = "small"
    """Sizes by name, see ``PRESETS`` of the network's module."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Single sizes that differ from the preset."""
    start: Literal["separable", "random"] = "separable"
    """Where the deconvolution part begins."""
    loss: Literal["l1", "log-mse"] = "l1"
    """Of ``universal``: ``l1`` is calm, ``log-mse`` is the mean PSNR itself; the paper's network has its own."""
    optimizer: OptimizerName = "adam"
    """``muon`` moves the kernels by orthogonalised momentum: on the universal network 0.16 dB ahead after 300 steps;
    ``sgd`` is gradient descent with momentum, the paper's time's."""
    begun_from: str = ""
    """SHA-256 of the weights that training begins from, as ``--from`` writes it; empty for a fresh start."""
    noise_to_signal: float = 0.01
    """r of the inverse kernel that the separable start holds."""
    seed: int = 1
    source: str = ""
    """Where the photographs come from and under which licence, in words for the weights' card."""
    data: DataConfig | Variety = field(default_factory=DataConfig)
    """For ``universal`` a :class:`Variety`."""
    stages: tuple[Stage, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could not be trained, before any photograph is read."""
        presets, parts = PRESETS[self.network], PARTS[self.network]
        if self.preset not in presets:
            raise ConfigError(f"preset is {self.preset!r}, expected one of {', '.join(presets)}")
        known = presets[self.preset] if self.network == "odcnn" else universal.Sizes.__dataclass_fields__
        for key, size in self.sizes.items():
            if key not in known:
                raise ConfigError(f"sizes.{key} is unknown; {_hint(key, known)}")
            if not 0 <= size <= LARGEST["sizes"]:
                raise ConfigError(f"sizes.{key} is {size}, expected 0 to {LARGEST['sizes']}")
        if self.psf == ANY and self.network != "universal":
            raise ConfigError(f"psf is 'any', but {self.network} learns one PSF; name it, disk:7 for instance")
        trained = [part for part, _ in itertools.groupby(stage.part for stage in self.stages)]
        if self.network == "universal" and trained and trained[0] in parts:
            parts = parts[parts.index(trained[0]) :]  # what comes before may stay as it begins
        if not trained or tuple(trained) != parts[: len(trained)]:
            wanted = ", ".join(parts)
            raise ConfigError(f"the stages train {[s.part for s in self.stages]}, expected these in order: {wanted}")
        if "rounds" in trained and not self.network_sizes.get("sparse"):
            raise ConfigError("a stage trains rounds, which a network with sizes.sparse = 0 has not; leave one out")

    @property
    def network_sizes(self) -> dict[str, int]:
        """Every size of the network, preset and exceptions together."""
        return {**PRESETS[self.network][self.preset], **self.sizes}

    def digest(self) -> str:
        """SHA-256 of all that the recipe says: two runs with the same digest may continue each other."""
        said = dataclasses.asdict(self)
        if self.network == "odcnn":
            del said["network"], said["loss"]  # runs that began before there was a choice go on
        if self.optimizer == "adam":
            del said["optimizer"]
        if not self.begun_from:
            del said["begun_from"]
        if said["data"].get("grainy") == 0:
            del said["data"]["grainy"]
        for stage in said["stages"]:
            if not stage["optimizer"]:
                del stage["optimizer"]
            for name, unused in (("repeats", 1), ("average", 0)):
                if stage[name] == unused:
                    del stage[name]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def read_recipe(path: Path, *, psf: str | None = None) -> Recipe:
    """Read a TOML recipe; ``psf`` replaces the one that it names.

    Raises:
        ConfigError: unreadable, not TOML, an unknown key (the nearest known one is named) or a value out of range.
    """
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise ConfigError(f"{path}: a folder, pipe or device, expected a recipe in TOML")
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigError(f"{path}: {path.stat().st_size} bytes, expected a recipe of at most {LARGEST_FILE}")
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); expected a recipe in TOML") from None
    except RecursionError:
        raise ConfigError(f"{path}: its brackets nest too deep, expected a recipe in TOML") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, ValueError) as error:
        raise ConfigError(f"{path}: not TOML ({error}); see the recipes that `unblur train --list` names") from None
    try:
        return recipe_from(values if psf is None else {**values, "psf": psf})
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def recipe_from(values: Mapping[str, Any]) -> Recipe:
    """A recipe from plain nested values."""
    values = dict(values)
    data = _build(Variety if values.get("network") == "universal" else DataConfig, values.pop("data", {}), "data.")
    stages = values.pop("stages", [])
    if not isinstance(stages, list | tuple):
        raise ConfigError("stages is not a list; write each stage under [[stages]]")
    return _build(
        Recipe, {**values, "data": data, "stages": tuple(_build(Stage, stage, "stages.") for stage in stages)}, ""
    )


def _build(kind: type[T], values: Mapping[str, Any], prefix: str) -> T:
    """An instance of a frozen dataclass from a table of a recipe, types checked."""
    if not isinstance(values, Mapping):
        raise ConfigError(f"{prefix.rstrip('.') or 'the recipe'} is {values!r}, expected a table")
    known = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    chosen: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(f"{prefix}{key} is unknown; {_hint(key, known)}")
        chosen[key] = _checked(f"{prefix}{key}", value, known[key].type)
    missing = [
        name
        for name, f in known.items()
        if name not in chosen and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(f"{prefix}{missing[0]} is missing; every recipe needs it")
    return kind(**chosen)


def _checked(what: str, value: Any, hint: Any) -> Any:
    """``value`` as the type of its field; a list of two numbers becomes a range."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and number:
        return float(value)
    if hint is int and number and math.isfinite(value) and value == int(value) and abs(value) < 2**63:
        return int(value)
    if hint == tuple[float, float]:
        if (
            isinstance(value, list | tuple)
            and len(value) == 2
            and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
        ):
            return float(value[0]), float(value[1])
        raise ConfigError(f"{what} is {value!r}, expected two numbers, lowest and highest")
    if hint in (str, bool) and isinstance(value, hint):
        return value
    if hint == Mapping[str, int]:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{what} is {value!r}, expected a table")
        return {key: _checked(f"{what}.{key}", size, int) for key, size in value.items()}
    if hint in (int, float, str, bool):
        raise ConfigError(f"{what} is {value!r}, expected {hint.__name__}")
    if get_origin(hint) is Literal:
        options = hint.__args__
        if value not in options:
            raise ConfigError(f"{what} is {value!r}, expected one of {', '.join(options)}")
    return value


def _hint(key: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
