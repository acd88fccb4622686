"""The universal network made ready: a deconvolver for any PSF."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.boundary import Arc
from unblur.deconvolvers import Deconvolver
from unblur.errors import ConfigError
from unblur.networks.facts import room_for
from unblur.networks.kinds import UniversalByNoise, universal_network
from unblur.networks.light import noise_levels
from unblur.networks.photograph import light_in
from unblur.networks.universal import VIEWS, Universal, sizes_of
from unblur.precision import autocast
from unblur.tensors import Image, Psf, Report, Weight
from unblur.weights import Weights, load_into, read_weights, shipped

SAMPLED = 4_000_000
"""Pixels of a photograph from which its noise is measured, about, at most."""
BAND = 64
"""Rows that are sampled together; whole cells of the coarser scale of the measurement."""


@dataclass(frozen=True, kw_only=True)
class UniversalSettings:
    """What a user may set; nothing of it must be."""

    weights: str | None = None
    """A file from ``unblur train`` to use instead of what is shipped, tuned to one PSF for instance."""
    strength: float = 1.0
    """The measured noise counts as so many times weaker: more is sharper and noisier, less calmer and softer."""
    views: int = 1
    """1, 2, 4 or 8: restores the photograph as it lies, flipped and transposed, and takes the mean of so many results.
    Each takes as long as the first; more is nearer to the scene."""

    def __post_init__(self) -> None:
        """Refuse what is no strength or no number of views."""
        if self.views not in VIEWS:
            raise ConfigError(f"views is {self.views}, expected one of {', '.join(map(str, VIEWS))}")
        if not (math.isfinite(self.strength) and self.strength > 0):
            raise ConfigError(f"the strength is {self.strength}, expected a number above 0; 1 takes the noise as it is")


def universal_weights(name: str, settings: UniversalSettings) -> Weights:
    """The named file, else what is shipped under ``name``.

    Raises:
        ConfigError: the file holds another network.
    """
    weights = shipped(name) if settings.weights is None else read_weights(Path(settings.weights))
    if weights.card.network != "universal":
        raise ConfigError(f"{settings.weights} holds a {weights.card.network}, expected a universal network")
    return weights


class UniversalDeconvolver:
    """The network as a deconvolver.

    Args:
        network: gives it, for a type of numbers.
        device: where it computes.
        strength: see :class:`UniversalSettings`.
        views: see there as well.
        noise: levels of the photograph whose tiles it restores; None measures each picture's own.
    """

    def __init__(
        self,
        network: Callable[[torch.dtype], Universal | UniversalByNoise],
        device: torch.device,
        *,
        strength: float = 1.0,
        views: int = 1,
        noise: Float[Tensor, "b 3"] | None = None,
    ) -> None:
        self.network, self.device, self.noise = network, device, noise
        self.strength, self.views = strength, views

    def __call__(
        self, blurred: Image, psf: Psf, *, weight: Weight | None = None, report: Report | None = None
    ) -> Image:
        """Restore photographs, whole or tiles of the one that was surveyed."""
        return self._restored(blurred, psf, weight, report)

    def of_integers(
        self, stored: Tensor, table: Tensor, psf: Psf, *, weight: Weight | None = None, report: Report | None = None
    ) -> Image:
        """The same for photographs of integers, which take less memory than their light.

        Args:
            stored: ``(B, C, H, W)`` of any integer type.
            table: the light of every integer in each plane, ``(C, n)``.
            psf: as for calls.
            weight: as for calls.
            report: as for calls.
        """
        return self._restored(stored, psf, weight, report, table=table.to(self.device))

    def room(self, psf: Psf) -> Tensor:
        """A PSF of the size for which photographs are extended."""
        return room_for(psf)

    def piece(
        self, extended: Image, psf: Psf, *, weight: Weight, place: tuple[Arc, Arc], report: Report | None = None
    ) -> Image:
        """Restore a piece of an extended photograph.

        Args:
            extended: ``(B, C, h, w)``, what is to be ignored filled already.
            psf: ``(kh, kw)``.
            weight: ``(B|1, C|1, h, w)``, 0 beyond the photograph's frame.
            place: of the piece on the circle of either axis.
            report: as for calls.
        """
        return self._restored(extended, psf, weight, report, place=place)

    def _restored(
        self,
        picture: Tensor,
        psf: Psf,
        weight: Tensor | None,
        report: Report | None,
        *,
        table: Tensor | None = None,
        place: tuple[Arc, Arc] | None = None,
    ) -> Tensor:
        picture = picture.to(self.device)
        like = picture if table is None else table
        trust = None if weight is None else weight.to(like)
        if self.noise is None:
            noise = self._levels(light_in(self.sample(picture), table), trust)
        else:
            noise = self.noise.to(like)
        with autocast(self.device, like.dtype):
            restored: Tensor = self.network(like.dtype)(
                picture,
                psf.to(like),
                weight=trust,
                noise=noise,
                strength=self.strength,
                views=self.views,
                table=table,
                place=place,
                report=report,
            )
        if report:
            report(1.0)
        return restored

    def sample(self, picture: Tensor) -> Tensor:
        """Evenly spread bands of rows from which the noise is measured; all rows of a picture up to 4 megapixels."""
        height, width = picture.shape[-2:]
        every = -(-height * width // SAMPLED)
        if every == 1:
            return picture
        return torch.cat([picture[..., top : top + BAND, :] for top in range(0, height, every * BAND)], dim=-2)

    def surveyed(self, sample: Image, *, weight: Weight | None = None) -> "UniversalDeconvolver":
        """The same for the tiles of one photograph."""
        noise = noise_levels(sample, weight=weight)
        return UniversalDeconvolver(self.network, self.device, strength=self.strength, views=self.views, noise=noise)

    def _levels(self, sample: Image, weight: Tensor | None) -> Tensor:
        return noise_levels(sample, weight=None if weight is None else self.sample(weight))


def universal(name: Literal["universal", "universal-large"]) -> Callable[[torch.device, Any], Deconvolver]:
    """The builder of a method of this name; weights are read at the first photograph."""

    def build(device: torch.device, settings: Any) -> Deconvolver:
        network = cache(partial(_network, partial(universal_weights, name, settings), device))
        return UniversalDeconvolver(network, device, strength=settings.strength, views=settings.views)

    return build


def _network(weights: Callable[[], Weights], device: torch.device, dtype: torch.dtype) -> Universal | UniversalByNoise:
    """The network with its weights, frozen."""
    return network_of(weights()).to(device, dtype)


def network_of(weights: Weights) -> Universal | UniversalByNoise:
    """The network that weights are for, with these, frozen."""
    network = universal_network(sizes_of(weights.card.sizes))
    load_into(network, weights)
    return network.requires_grad_(False).eval()


def universal_margin(settings: Any, psf: Psf) -> int:
    """Pixels by which tiles overlap: so far the light and the noise beyond a tile ring into it.

    That never ends wholly, as inverses with little regularisation ring far; ``unblur.benchmark.seams`` measures what
    is left.
    """
    del settings
    return 8 * max(psf.shape) + 192


def universal_surroundings(settings: Any, psf: Psf) -> int:
    """Pixels around a part that is restored as a photograph of its own: less, as the U-Nets go over all of them."""
    del settings
    return 4 * max(psf.shape) + 192
