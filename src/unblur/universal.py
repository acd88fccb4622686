"""The universal network made ready: a deconvolver for any PSF."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch

from unblur.deconvolvers import Deconvolver
from unblur.errors import ConfigError
from unblur.networks.universal import Universal, sizes_of
from unblur.precision import autocast
from unblur.tensors import Image, Psf, Report, Weight
from unblur.weights import Weights, load_into, read_weights, shipped


@dataclass(frozen=True, kw_only=True)
class UniversalSettings:
    """What a user may set: nothing that a photograph depends on."""

    weights: str | None = None
    """A file from ``unblur train`` to use instead of what is shipped."""


def universal_weights(name: str, settings: UniversalSettings) -> Weights:
    """The named file, else what is shipped under ``name``.

    Raises:
        ConfigError: the file holds another network.
    """
    weights = shipped(name) if settings.weights is None else read_weights(Path(settings.weights))
    if weights.card.network != "universal":
        raise ConfigError(f"{settings.weights} holds a {weights.card.network}, expected a universal network")
    return weights


def universal(name: Literal["universal", "universal-large"]) -> Callable[[torch.device, Any], Deconvolver]:
    """The builder of a method of this name; weights are read at the first photograph."""

    def build(device: torch.device, settings: Any) -> Deconvolver:
        @cache
        def network(dtype: torch.dtype) -> Universal:
            weights = universal_weights(name, settings)
            module = Universal(sizes_of(weights.card.sizes))
            load_into(module, weights)
            return module.requires_grad_(False).eval().to(device, dtype)

        def deconvolve(
            blurred: Image, psf: Psf, *, weight: Weight | None = None, report: Report | None = None
        ) -> Image:
            blurred = blurred.to(device)
            trust = None if weight is None else weight.to(blurred)
            with autocast(device):
                restored = network(blurred.dtype)(blurred, psf.to(blurred), weight=trust)
            if report:
                report(1.0)
            return restored

        return deconvolve

    return build
