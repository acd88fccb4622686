"""From solvers and networks to deconvolvers: what takes a photograph as it is, borders included."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from unblur.boundary import mirrored
from unblur.circular import on_photograph
from unblur.errors import ConfigError, PsfError, WeightsError
from unblur.inverse.regularised import pseudo_inverse
from unblur.inverse.separable import separable
from unblur.networks.crf_cascade import CrfCascade
from unblur.networks.dcnn import DCNN
from unblur.networks.eigen_cnn import EigenCNN
from unblur.networks.mlp import MLP
from unblur.networks.odcnn import ODCNN
from unblur.networks.ssdae import SSDAE
from unblur.precision import autocast
from unblur.tensors import Image, Psf, Report, Weight
from unblur.weights import Weights, built, is_shipped, psf_distance, read_weights, shipped

SHIPPED: dict[tuple[str, str], tuple[str, ...]] = {
    ("dcnn", "separable"): ("dcnn-disk7-small",),
    ("dcnn", "random"): ("dcnn-disk7-small-random",),
    ("odcnn", ""): ("odcnn-disk7-small",),
    ("crf-cascade", ""): ("crf-cascade-disk7", "crf-cascade-shake27"),
    ("mlp", ""): ("mlp-disk7", "mlp-shake27"),
    ("ssdae", ""): ("ssdae-disk7",),
    ("eigen-cnn", ""): ("eigen-cnn-disk7",),
}
"""Network and start, if there is a choice → the weights that may come with the package, one file for each PSF."""
NETWORKS: Mapping[str, Callable[..., nn.Module]] = {
    "dcnn": DCNN,
    "odcnn": ODCNN,
    "crf-cascade": CrfCascade,
    "mlp": MLP,
    "ssdae": SSDAE,
    "eigen-cnn": EigenCNN,
}
"""What builds each network that knows one PSF, from the sizes on its card."""
TrainedName = Literal["dcnn", "odcnn", "crf-cascade", "mlp", "ssdae", "eigen-cnn"]


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
        _refuse_weight("separable", weight)
        inverse = pseudo_inverse(psf.to(device), settings.noise_to_signal, settings.support)
        terms = separable(inverse, threshold=settings.threshold)
        restored = terms.apply(mirrored(blurred.to(device), settings.support // 2))
        if report:
            report(1.0)
        return restored

    return deconvolve


@dataclass(frozen=True, kw_only=True)
class DcnnSettings:
    """What a user may set."""

    start: Literal["separable", "random"] = "separable"
    """Which of the shipped networks: trained from the separable inversion, or from random weights."""
    weights: str | None = None
    """A file from ``unblur train`` to use instead of what is shipped."""


@dataclass(frozen=True, kw_only=True)
class OdcnnSettings:
    """What a user may set."""

    weights: str | None = None
    """A file from ``unblur train`` to use instead of what is shipped."""


def weights_for(network: TrainedName) -> Callable[[Any, Psf], Weights]:
    """Settings and PSF → the weights to use: the named file, else the shipped ones for the nearest PSF."""

    def choose(settings: Any, psf: Psf) -> Weights:
        if settings.weights is not None:
            weights = read_weights(Path(settings.weights))
            if weights.card.network != network:
                raise ConfigError(f"{settings.weights} holds a {weights.card.network}, expected a {network}")
            return weights
        names = SHIPPED[network, getattr(settings, "start", "")]
        there = [name for name in names if is_shipped(name)] or names
        return min((shipped(name) for name in there), key=lambda weights: psf_distance(psf, weights.psf))

    return choose


def fitting(network: TrainedName, device: torch.device, settings: Any) -> Callable[[Psf, torch.dtype], Any]:
    """From a PSF and a dtype to the network that is trained for it, made ready once.

    What is returned raises :class:`PsfError` for a PSF that no weights were trained for.
    """
    choose = weights_for(network)
    ready: dict[tuple[str, torch.dtype], nn.Module] = {}

    def fit(psf: Psf, dtype: torch.dtype) -> nn.Module:
        weights = choose(settings, psf)
        if reason := weights.refusal(psf):
            raise PsfError(f"{network} {reason}; choose a method that takes any PSF")
        key = (weights.card.sha256, dtype)
        if key not in ready:
            ready[key] = network_of(weights).to(device, dtype)
        return ready[key]

    return fit


def trained_network(network: TrainedName) -> Callable[[torch.device, Any], Deconvolver]:
    """Let a network of valid convolutions meet photographs: mirror its margin around them, cut its rim."""

    def build(device: torch.device, settings: Any) -> Deconvolver:
        fit = fitting(network, device, settings)

        def deconvolve(
            blurred: Image, psf: Psf, *, weight: Weight | None = None, report: Report | None = None
        ) -> Image:
            _refuse_weight(network, weight)
            module = fit(psf, blurred.dtype)
            rim: int = module.rim
            with autocast(device, blurred.dtype):
                restored = module(mirrored(blurred.to(device), module.margin))
            if report:
                report(1.0)
            return restored[..., rim : restored.shape[-2] - rim, rim : restored.shape[-1] - rim].to(blurred.dtype)

        return deconvolve

    return build


def circular_network(network: TrainedName) -> Callable[[torch.device, Any], Deconvolver]:
    """Let a network on a circular domain, which takes a weight, meet photographs."""

    def build(device: torch.device, settings: Any) -> Deconvolver:
        fit = fitting(network, device, settings)

        def solve(blurred: Image, psf: Psf, *, weight: Weight, settings: Any, report: Report | None = None) -> Image:
            del settings
            with torch.no_grad():
                restored: Image = fit(psf, blurred.dtype)(blurred, psf, weight)
            if report:
                report(1.0)
            return restored

        return on_photograph(solve)(device, settings)

    return build


def network_of(weights: Weights) -> nn.Module:
    """The network that a card describes, with its weights, frozen.

    Raises:
        WeightsError: the card names no network that is known, or the tensors do not fit its sizes.
    """
    card = weights.card
    if card.network not in NETWORKS:
        raise WeightsError(f"these weights are of a {card.network}, expected one of {', '.join(NETWORKS)}")
    kept = ("width", "support") if card.network == "dcnn" else tuple(card.sizes)  # its card may tell ODCNN's sizes too
    try:
        sizes = {name: card.sizes[name] for name in kept}
        module = built(lambda: NETWORKS[card.network](**sizes), weights)
    except (KeyError, TypeError) as error:
        raise WeightsError(f"the card of these weights lacks a size or has one too many ({error})") from None
    return module.requires_grad_(False).eval()


def network_margin(network: Literal["dcnn", "odcnn", "eigen-cnn"]) -> Callable[[Any, Psf], int]:
    """Settings and PSF → pixels of overlap at which tiles of the network that would be used equal the whole."""
    choose = weights_for(network)

    def margin(settings: Any, psf: Psf) -> int:
        sizes = choose(settings, psf).card.sizes
        try:
            long = 0 if network == "eigen-cnn" else sizes["support"] // 2
            return long if network == "dcnn" else long + (sizes["first"] + sizes["last"] - 2) // 2
        except KeyError as error:
            raise WeightsError(f"the card of these weights lacks the size {error}; get or train them again") from None

    return margin


def _refuse_weight(name: str, weight: Weight | None) -> None:
    if weight is not None:
        raise ConfigError(f"{name} cannot ignore parts of a photograph; leave the weight out, or choose a solver")
