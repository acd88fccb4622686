"""Network weights as data: safetensors files that carry their card, checked before they are used.

A weights file holds the tensors of one network, the PSF that it was trained for (as the tensor ``psf``) and, as JSON
in the header, a :class:`Card`. Nothing in it is ever executed.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, get_origin

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from unblur.compact import expanded
from unblur.errors import WeightsError
from unblur.psf.accept import accept_psf
from unblur.tensors import Psf

PSF_TOLERANCE = 0.05
"""Largest ``‖k - k₀‖₁`` at which a network takes a PSF ``k`` for the one that it was trained for, ``k₀``."""
LARGEST_SIZE = 10_000
"""Of a network, kernels or pixels; no weights file has room for more."""
LARGEST_FILE = 256 * 2**20
"""Weights files above this many bytes are not opened."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """What somebody must know of weights before relying on them."""

    network: str
    """The method that these weights are for, ``odcnn`` for instance."""
    sizes: dict[str, int]
    """Every size of the network."""
    psf: str
    """The PSF in words; its values stand beside the weights."""
    start: str
    """``separable``, ``random`` or ``trained``."""
    transfer: str
    """The light in which it works."""
    recipe: dict[str, Any]
    """The whole recipe."""
    photographs: int
    """How many it was trained on."""
    source: str = ""
    """Where they come from, and under which licence."""
    steps: dict[str, int] = field(default_factory=dict)
    """Optimiser steps of each stage that led here."""
    patches: dict[str, int] = field(default_factory=dict)
    """Patches seen in each stage."""
    hours: float = 0.0
    """Hours of training steps in all."""
    hardware: str = ""
    precision: str = ""
    validation: dict[str, float] = field(default_factory=dict)
    """Mean PSNR in dB on held-out pictures after each stage, under the recipe's camera."""
    version: str = ""
    """Version of unblur that trained it."""
    begun_from: str = ""
    """The trained weights that it began from, in words: what it was before it was tuned to ``psf``."""
    sha256: str = ""
    """Of all tensors, names and shapes; checked on loading."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One network's weights, read and checked."""

    card: Card
    psf: Psf
    tensors: dict[str, Tensor]

    def refusal(self, psf: Psf) -> str | None:
        """Why these weights do not fit a PSF, or None: the distance ``‖k - k₀‖₁`` decides."""
        distance = psf_distance(psf, self.psf)
        if distance <= PSF_TOLERANCE:
            return None
        return f"is trained for {self.card.psf} only, and this PSF is another (they differ by {distance:.2f} of 2.00)"


def psf_distance(one: Tensor, other: Tensor) -> float:
    """``‖k - k₀‖₁`` of two PSFs laid centre on centre: 0 = equal, 2 = nothing in common."""
    height = max(one.shape[0], other.shape[0])
    width = max(one.shape[1], other.shape[1])
    return float((_framed(one, height, width) - _framed(other, height, width)).abs().sum())


def _framed(psf: Tensor, height: int, width: int) -> Tensor:
    rows, columns = (height - psf.shape[0]) // 2, (width - psf.shape[1]) // 2
    return torch.nn.functional.pad(psf.cpu().double(), (columns, columns, rows, rows))


def write_weights(path: Path, weights: Weights) -> str:
    """Write weights beside ``path`` and rename; returns the SHA-256 of the tensors, which the card then holds.

    Raises:
        WeightsError: the disk refuses; what stood there before still does.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.tensors.items()}
    tensors["psf"] = weights.psf.detach().cpu().contiguous()
    digest = tensors_digest(tensors)
    card = dataclasses.asdict(dataclasses.replace(weights.card, sha256=digest))
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(save(tensors, metadata={"card": json.dumps(card)}))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be written ({error.strerror}); check space and permissions") from None
    finally:
        part.unlink(missing_ok=True)
    return digest


def read_weights(path: Path) -> Weights:
    """Read a weights file, checking its size, its card and its hash.

    Raises:
        WeightsError: missing, too large, not safetensors, without a card, or changed since it was written.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise WeightsError(
                f"{path}: {path.stat().st_size} bytes, expected at most {LARGEST_FILE}; not weights of ours"
            )
        if path.exists() and not path.is_file() and not path.is_dir():  # opening a pipe would wait for ever
            raise WeightsError(f"{path}: a pipe or a device, expected a weights file")
        with safe_open(path, framework="pt") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
            card = _card(path, metadata)
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise WeightsError(f"{path}: cannot be read ({reason}); expected a weights file") from None
    except SafetensorError as error:
        raise WeightsError(f"{path}: not a safetensors file, or damaged ({error}); get or train it again") from None
    if tensors_digest(tensors) != card.sha256:
        raise WeightsError(f"{path}: the weights do not match their SHA-256; get or train the file again")
    for name, tensor in tensors.items():
        if tensor.is_complex() or not bool(torch.isfinite(tensor.to(torch.float64)).all()):
            raise WeightsError(f"{path}: {name} holds NaN, infinite or complex values; get or train the file again")
    if "psf" not in tensors:
        raise WeightsError(f"{path}: holds no PSF; expected weights written by `unblur train`")
    psf = accept_psf(tensors.pop("psf"), name=str(path))
    try:
        return Weights(card=card, psf=psf, tensors=expanded(tensors))
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None


def _card(path: Path, metadata: Mapping[str, str]) -> Card:
    """The card in a file's header."""
    try:
        values = json.loads(metadata["card"])
        card = Card(**values)
        for known in dataclasses.fields(Card):
            _check_type(known.name, getattr(card, known.name), get_origin(known.type) or known.type)
        for name, size in card.sizes.items():
            _check_type(f"sizes.{name}", size, int)
        return card
    except (KeyError, TypeError, RecursionError, json.JSONDecodeError) as error:
        raise WeightsError(
            f"{path}: has no card that this version can read ({error}); it is not from `unblur train`"
        ) from None


def _check_type(name: str, value: object, wanted: Any) -> None:
    """Refuse what a card says in another type than it should.

    Raises:
        TypeError: it does.
    """
    kinds = (float, int) if wanted is float else (wanted,)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise TypeError(f"its {name} is {value!r}"[:80])


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and values, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@cache
def shipped(name: str) -> Weights:
    """Weights that come with the package, by file name without suffix.

    Raises:
        WeightsError: there are none of that name.
    """
    found = _in_package(name)
    with resources.as_file(found) as path:
        if not path.exists():
            raise WeightsError(f"no weights called {name!r} come with this version; train them with `unblur train`")
        return read_weights(path)


def is_shipped(name: str) -> bool:
    """Whether weights of this file name, without suffix, come with the package."""
    return _in_package(name).is_file()


def _in_package(name: str) -> Traversable:
    return resources.files("unblur").joinpath("data", f"{name}.safetensors")


def built(make: Callable[[], torch.nn.Module], weights: Weights) -> torch.nn.Module:
    """A network with its weights; what a card claims about sizes is compared with the tensors before memory is taken.

    Args:
        make: builds the untrained network.
        weights: to copy into it.

    Raises:
        WeightsError: a tensor is missing, unknown or of another shape.
    """
    try:
        if max(weights.card.sizes.values(), default=0) > LARGEST_SIZE:
            raise ValueError(f"larger than {LARGEST_SIZE}")
        try:
            with torch.device("meta"):
                claimed = {name: tensor.shape for name, tensor in make().state_dict().items()}
        except NotImplementedError:  # a network whose start needs numbers and not only shapes
            claimed = {name: tensor.shape for name, tensor in make().state_dict().items()}
    except (RuntimeError, OverflowError, ValueError, ZeroDivisionError) as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"no {weights.card.network} can have the sizes on this card ({reason})") from None
    _check_shapes(claimed, weights)
    network = make()
    load_into(network, weights)
    return network


def load_into(network: torch.nn.Module, weights: Weights) -> None:
    """Copy weights into a network of the same shape.

    Raises:
        WeightsError: a tensor is missing, unknown or of another shape.
    """
    _check_shapes({name: tensor.shape for name, tensor in network.state_dict().items()}, weights)
    network.load_state_dict(weights.tensors)


def _check_shapes(claimed: Mapping[str, torch.Size], weights: Weights) -> None:
    """Refuse tensors that are not those of a network, and name the first that is not."""
    held = {name: tensor.shape for name, tensor in weights.tensors.items()}
    wrong = sorted(name for name in {*claimed, *held} if claimed.get(name) != held.get(name))
    if wrong:
        raise WeightsError(
            f"these weights do not fit a {weights.card.network}: {wrong[0]} is missing or of another size"
        )
