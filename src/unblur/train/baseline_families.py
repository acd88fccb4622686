"""What the trained rivals differ in: how each begins, what its phases minimise, how it restores a photograph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unblur.boundary import extended, mirrored
from unblur.networks.crf_cascade import CrfCascade
from unblur.networks.eigen_cnn import EigenCNN
from unblur.networks.mlp import MLP
from unblur.networks.patchwise import patches_of
from unblur.networks.ssdae import SSDAE
from unblur.tensors import Image, Psf
from unblur.train.stages import centre, inner

STRENGTHS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
"""Of the gradient prior in the inversion before the MLP: the best on the first patches is taken."""
STRIDE = 6
"""Pixels from one training patch to the next; all of them would tell much the same."""
SPARSITY, ACTIVITY = 0.01, 0.05
"""Of the autoencoders' hidden units: weight of the divergence, and the mean activity that is wanted."""

Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class Family:
    """One kind of network."""

    build: Callable[..., nn.Module]
    """From its sizes, by name."""
    start: Callable[[Any, Psf, Pair, torch.Generator], None]
    """Sets all weights; looks at the PSF and a first pair of blurred and sharp patches."""
    loss: Callable[[Any, int, Pair, Psf], Tensor]
    """Of a phase, by its number."""
    trained: Callable[[Any, int], list[nn.Parameter]]
    """What a phase changes."""
    restored: Callable[[Any, Image, Psf], Image]
    """A whole photograph, borders included."""
    bfloat16: bool = True
    """Whether training may multiply in bfloat16 where the machine can; not where little is multiplied."""


def _nothing(network: Any, psf: Psf, pair: Pair, generator: torch.Generator) -> None:
    """The cascade's constructor has said where it begins."""


def _all(network: nn.Module, phase: int) -> list[nn.Parameter]:  # noqa: ARG001 - a family's signature
    return list(network.parameters())


def _on_extended(network: nn.Module, blurred: Image, psf: Psf) -> Image:
    """A circular network on a photograph that has borders."""
    picture, weight, inside = extended(blurred, psf)
    return network(picture, psf, weight)[..., inside[0], inside[1]]


def _on_mirrored(network: Any, blurred: Image, psf: Psf) -> Image:  # noqa: ARG001 - a family's signature
    """A network of valid convolutions on a photograph that has borders."""
    return inner(network(mirrored(blurred, network.margin)), network.rim)


def _half_mean_square(restored: Tensor, sharp: Tensor) -> Tensor:
    return 0.5 * nn.functional.mse_loss(restored, centre(sharp, restored))


def _cascade_loss(network: CrfCascade, phase: int, pair: Pair, psf: Psf) -> Tensor:
    """Phases train one stage after the other; one more trains them all. The rim that saw the outside is not counted."""
    picture, weight, inside = extended(pair[0], psf)
    greedy = phase < len(network.stages)
    restored = network(picture, psf, weight, stages=phase + 1 if greedy else None, frozen=phase if greedy else 0)
    restored = inner(restored[..., inside[0], inside[1]], max(psf.shape) // 2)
    return _half_mean_square(restored, pair[1])


def _cascade_trained(network: CrfCascade, phase: int) -> list[nn.Parameter]:
    part = network.stages[phase] if phase < len(network.stages) else network
    return list(part.parameters())


def _inverted(network: MLP, blurred: Image, psf: Psf) -> Tensor:
    """The inversion of a patch, without the rim that saw the outside."""
    picture, _, inside = extended(blurred, psf)
    return inner(network.inverted(picture, psf)[..., inside[0], inside[1]], max(psf.shape) // 2)


@torch.no_grad()
def _mlp_start(network: MLP, psf: Psf, pair: Pair, generator: torch.Generator) -> None:
    errors: dict[float, float] = {}
    for strength in STRENGTHS:
        network.log_strength.fill_(strength).log_()
        errors[strength] = float(_half_mean_square(_inverted(network, pair[0], psf), pair[1]))
    network.start(generator, strength=min(errors, key=lambda strength: errors[strength]))


def _mlp_loss(network: MLP, phase: int, pair: Pair, psf: Psf) -> Tensor:  # noqa: ARG001 - a family's signature
    with torch.no_grad():
        inverted = _inverted(network, pair[0], psf)
        seen = network.training_patches(inverted, network.inside, STRIDE)
        wanted = network.training_patches(centre(pair[1], inverted), network.outside, STRIDE)
    return 0.5 * nn.functional.mse_loss(network.repaired(seen), wanted)


def _ssdae_loss(network: SSDAE, phase: int, pair: Pair, psf: Psf) -> Tensor:  # noqa: ARG001 - a family's signature
    """Phases train one autoencoder after the other; one more tunes the whole stack."""
    blurred, sharp = (patches_of(image, network.side, STRIDE) for image in pair)
    if phase < len(network.encoders):
        return network.layer_loss(phase, blurred, sharp, sparsity=SPARSITY, target=ACTIVITY)
    return network.loss(blurred, sharp)


def _ssdae_trained(network: SSDAE, phase: int) -> list[nn.Parameter]:
    if phase < len(network.encoders):
        return [*network.encoders[phase].parameters(), *network.decoders[phase].parameters()]
    return list(network.parameters())


def _eigen_loss(network: EigenCNN, phase: int, pair: Pair, psf: Psf) -> Tensor:  # noqa: ARG001 - a family's signature
    return _half_mean_square(inner(network(pair[0]), network.rim), pair[1])


FAMILIES: Mapping[str, Family] = {
    "crf-cascade": Family(
        build=CrfCascade,
        start=_nothing,
        loss=_cascade_loss,
        trained=_cascade_trained,
        restored=_on_extended,
        bfloat16=False,
    ),
    "mlp": Family(build=MLP, start=_mlp_start, loss=_mlp_loss, trained=_all, restored=_on_extended),
    "ssdae": Family(
        build=SSDAE,
        start=lambda network, psf, pair, generator: network.start(generator),  # noqa: ARG005 - a family's signature
        loss=_ssdae_loss,
        trained=_ssdae_trained,
        restored=_on_mirrored,
    ),
    "eigen-cnn": Family(
        build=EigenCNN,
        start=lambda network, psf, pair, generator: network.start(generator),  # noqa: ARG005 - a family's signature
        loss=_eigen_loss,
        trained=_all,
        restored=_on_mirrored,
    ),
}
