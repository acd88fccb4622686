"""Networks that know one PSF, made ready: which weights fit, and how they meet photographs."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from unblur.boundary import mirrored
from unblur.circular import on_photograph
from unblur.deconvolvers import Deconvolver, refuse_weight
from unblur.errors import ConfigError, PsfError, WeightsError
from unblur.networks.crf_cascade import CrfCascade
from unblur.networks.dcnn import DCNN
from unblur.networks.eigen_cnn import EigenCNN
from unblur.networks.mlp import MLP
from unblur.networks.odcnn import ODCNN
from unblur.networks.ssdae import SSDAE
from unblur.precision import autocast
from unblur.tensors import Image, Psf, Report, Weight
from unblur.weights import Weights, built, is_shipped, psf_distance, read_weights, shipped

Lights = Literal["clipped", "unclipped"]
"""The photographs that a network was trained on: of two of its kind for one PSF, each is better at its own."""
LIGHTS: tuple[Lights, ...] = get_args(Lights)
SHIPPED: dict[tuple[str, str], tuple[str, ...]] = {
    ("dcnn", "clipped"): ("dcnn-disk7-saturated",),
    ("dcnn", "unclipped"): ("dcnn-disk7",),
    ("dcnn", "random clipped"): ("dcnn-disk7-saturated-random",),
    ("dcnn", "random unclipped"): ("dcnn-disk7-random",),
    ("odcnn", "clipped"): ("odcnn-disk7-saturated", "odcnn-shake27-saturated"),
    ("odcnn", "unclipped"): ("odcnn-disk7", "odcnn-shake27"),
    ("crf-cascade", ""): ("crf-cascade-disk7", "crf-cascade-shake27"),
    ("mlp", ""): ("mlp-disk7", "mlp-shake27"),
    ("ssdae", ""): ("ssdae-disk7",),
    ("eigen-cnn", ""): ("eigen-cnn-disk7",),
}
"""Network and kind, if there are several → the weights that may come with the package, one file for each PSF."""
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
WHITE = 0.98
"""A blurred value from here on may have been clipped, noise and JPEG allowed for."""
CLIPPED_SHARE = 0.005
"""Of a photograph's pixels must be white before its lights count as clipped."""


@dataclass(frozen=True, kw_only=True)
class OdcnnSettings:
    """What a user may set."""

    lights: Literal["auto", "clipped", "unclipped"] = "auto"
    """Which of the shipped networks: trained where lights clip, or where none do; ``auto`` looks at the photograph."""
    weights: str | None = None
    """A file from ``unblur train`` to use instead of what is shipped."""


@dataclass(frozen=True, kw_only=True)
class DcnnSettings(OdcnnSettings):
    """What a user may set."""

    start: Literal["separable", "random"] = "separable"
    """Which of the shipped networks: trained from the separable inversion, or from random weights."""


def weights_for(network: TrainedName) -> Callable[[Any, Psf], tuple[Weights, ...]]:
    """Settings and PSF → the weights that may be used: the named file, else the shipped ones for the nearest PSF.

    Several where the photograph decides, one of each kind; those for clipped lights come first.
    """

    def choose(settings: Any, psf: Psf) -> tuple[Weights, ...]:
        if settings.weights is not None:
            weights = read_weights(Path(settings.weights))
            if weights.card.network != network:
                raise ConfigError(f"{settings.weights} holds a {weights.card.network}, expected a {network}")
            return (weights,)
        return tuple(_nearest(SHIPPED[network, kind], psf) for kind in _kinds(settings))

    return choose


def _kinds(settings: Any) -> tuple[str, ...]:
    """The second half of the keys of :data:`SHIPPED` that settings allow."""
    if not isinstance(settings, OdcnnSettings):
        return ("",)
    lights = LIGHTS if settings.lights == "auto" else (settings.lights,)
    random = isinstance(settings, DcnnSettings) and settings.start == "random"
    return tuple(f"random {kind}" for kind in lights) if random else lights


def _nearest(names: tuple[str, ...], psf: Psf) -> Weights:
    there = [name for name in names if is_shipped(name)] or list(names)
    return min((shipped(name) for name in there), key=lambda weights: psf_distance(psf, weights.psf))


def fitting(network: TrainedName, device: torch.device, settings: Any) -> Callable[[Psf, torch.dtype, int], Any]:
    """From a PSF, a dtype and a number to the network that is trained for it, made ready once.

    The number chooses where there are several weights, see :func:`weights_for`. What is returned raises
    :class:`PsfError` for a PSF that no weights were trained for.
    """
    choose = weights_for(network)
    ready: dict[tuple[str, torch.dtype], nn.Module] = {}

    def fit(psf: Psf, dtype: torch.dtype, number: int = 0) -> nn.Module:
        weights = choose(settings, psf)[number]
        if reason := weights.refusal(psf):
            raise PsfError(f"{network} {reason}; choose a method that takes any PSF")
        key = (weights.card.sha256, dtype)
        if key not in ready:
            ready[key] = network_of(weights).to(device, dtype)
        return ready[key]

    return fit


class TrainedDeconvolver:
    """A network of valid convolutions as a deconvolver: its margin is mirrored around photographs, its rim cut.

    Args:
        network: its name.
        device: where it computes.
        settings: of the method.
        lights: of the photograph whose tiles it restores; None looks at each picture.
    """

    def __init__(
        self, network: TrainedName, device: torch.device, settings: Any, *, lights: Lights | None = None
    ) -> None:
        self.network, self.device, self.settings, self.lights = network, device, settings, lights
        self.fit = fitting(network, device, settings)

    def __call__(
        self, blurred: Image, psf: Psf, *, weight: Weight | None = None, report: Report | None = None
    ) -> Image:
        """Restore photographs, whole or tiles of the one that was surveyed."""
        refuse_weight(self.network, weight)
        restored = torch.cat([self._restored(picture, psf) for picture in blurred.to(self.device).split(1)])
        if report:
            report(1.0)
        return restored

    def sample(self, picture: Tensor) -> Tensor:
        """Every so many rows, a few hundred in all."""
        return picture[..., :: max(1, picture.shape[-2] // 256), :]

    def surveyed(self, sample: Image, *, weight: Weight | None = None) -> "TrainedDeconvolver":
        """The same for the tiles of one photograph."""
        del weight
        told = copy(self)  # with the networks that are ready
        told.lights = lights_of(sample)
        return told

    def _restored(self, picture: Image, psf: Psf) -> Tensor:
        open_choice = isinstance(self.settings, OdcnnSettings) and self.settings.lights == "auto"
        number = 0
        if open_choice and self.settings.weights is None:
            number = LIGHTS.index(self.lights or lights_of(self.sample(picture)))
        module = self.fit(psf, picture.dtype, number)
        rim: int = module.rim
        with autocast(self.device, picture.dtype):
            restored = module(mirrored(picture, module.margin))
        return restored[..., rim : restored.shape[-2] - rim, rim : restored.shape[-1] - rim].to(picture.dtype)


def lights_of(picture: Image) -> Lights:
    """Whether a blurred photograph's lights are clipped: more than a natural share of it is white."""
    share = (picture >= WHITE).any(dim=1).double().mean()
    return "clipped" if float(share) > CLIPPED_SHARE else "unclipped"


def trained_network(network: TrainedName) -> Callable[[torch.device, Any], Deconvolver]:
    """The builder of a method whose network works by valid convolutions."""
    return lambda device, settings: TrainedDeconvolver(network, device, settings)


def circular_network(network: TrainedName) -> Callable[[torch.device, Any], Deconvolver]:
    """Let a network on a circular domain, which takes a weight, meet photographs."""

    def build(device: torch.device, settings: Any) -> Deconvolver:
        fit = fitting(network, device, settings)

        def solve(blurred: Image, psf: Psf, *, weight: Weight, settings: Any, report: Report | None = None) -> Image:
            del settings
            with torch.no_grad():
                restored: Image = fit(psf, blurred.dtype, 0)(blurred, psf, weight)
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
        sizes = choose(settings, psf)[0].card.sizes
        try:
            long = 0 if network == "eigen-cnn" else sizes["support"] // 2
            return long if network == "dcnn" else long + (sizes["first"] + sizes["last"] - 2) // 2
        except KeyError as error:
            raise WeightsError(f"the card of these weights lacks the size {error}; get or train them again") from None

    return margin
