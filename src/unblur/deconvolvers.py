"""From solvers to deconvolvers: what takes a photograph as it is, borders included."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from unblur.boundary import mirrored
from unblur.errors import ConfigError
from unblur.inverse.regularised import pseudo_inverse
from unblur.inverse.separable import separable
from unblur.tensors import Image, Psf, Report, Weight


@runtime_checkable
class Deconvolver(Protocol):
    """A method made ready: takes photographs as they are, borders included."""

    def __call__(
        self, blurred: Image, psf: Psf, *, weight: Weight | None = None, report: Report | None = None
    ) -> Image:
        """Restore ``(B, C, H, W)``; ``weight`` is ``(B|1, C|1, H, W)``, 1 = trust, 0 = ignore. Not clipped."""
        ...


@runtime_checkable
class Surveying(Protocol):
    """A deconvolver that begins by looking at the whole photograph; to restore tiles alike, each must be told."""

    def sample(self, picture: Tensor) -> Tensor:
        """The rows that it looks at, of a picture or weight ``(..., H, W)`` of any number type."""
        ...

    def surveyed(self, sample: Image, *, weight: Weight | None = None) -> Deconvolver:
        """The deconvolver of that photograph's tiles; ``sample`` in the light of the blur, ``weight`` sampled too."""
        ...


@dataclass(frozen=True, kw_only=True)
class SeparableSettings:
    """What a user may set."""

    noise_to_signal: float = 0.01
    """r of the inverse kernel, above 0; larger is smoother and calmer, smaller is sharper and noisier."""
    support: int = 121
    """Side of the inverse kernel in pixels, odd; smaller is faster and rings more."""
    threshold: float = 0.01
    """Singular values up to this are dropped; smaller keeps more terms."""


def separable_inversion(device: torch.device, settings: SeparableSettings) -> Deconvolver:
    """The inverse kernel of any PSF, applied as a sum of separable kernels to the mirrored photograph."""

    def deconvolve(blurred: Image, psf: Psf, *, weight: Weight | None = None, report: Report | None = None) -> Image:
        refuse_weight("separable", weight)
        inverse = pseudo_inverse(psf.to(device), settings.noise_to_signal, settings.support)
        terms = separable(inverse, threshold=settings.threshold)
        restored = terms.apply(mirrored(blurred.to(device), settings.support // 2))
        if report:
            report(1.0)
        return restored

    return deconvolve


def refuse_weight(name: str, weight: Weight | None) -> None:
    """For methods that look at every pixel.

    Raises:
        ConfigError: there is a weight.
    """
    if weight is not None:
        raise ConfigError(f"{name} cannot ignore parts of a photograph; leave the weight out, or choose a solver")
