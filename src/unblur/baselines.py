"""The trained rivals of the paper as methods; each is listed once its weights come with the package."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from unblur.circular import on_photograph
from unblur.deconvolvers import Deconvolver
from unblur.errors import ConfigError
from unblur.method import WHOLE, Method, Tiling
from unblur.solvers.epll import EpllSettings, PatchPrior, epll
from unblur.tensors import Image, Psf, Report, Weight
from unblur.trained import SHIPPED, circular_network, network_margin, trained_network, weights_for
from unblur.weights import Weights, is_shipped, read_weights, shipped


@dataclass(frozen=True, kw_only=True)
class TrainedEpllSettings(EpllSettings):
    """What a user may set."""

    weights: str | None = None
    """A file from ``python -m unblur.train epll`` to use instead of what is shipped."""


@dataclass(frozen=True, kw_only=True)
class BaselineSettings:
    """What a user may set."""

    weights: str | None = None
    """A file from ``python -m unblur.train`` to use instead of what is shipped."""


def epll_weights(settings: TrainedEpllSettings) -> Weights:
    """The patch prior to use: the named file, else what is shipped.

    Raises:
        ConfigError: the file holds something else.
        WeightsError: there is none, or it is damaged.
    """
    weights = shipped("epll") if settings.weights is None else read_weights(Path(settings.weights))
    if weights.card.network != "epll":
        raise ConfigError(f"{settings.weights} holds a {weights.card.network}, expected a patch prior for epll")
    return weights


def _epll(device: torch.device, settings: Any) -> Deconvolver:
    """EPLL with its prior, which is read at the first photograph."""

    @cache
    def prior() -> PatchPrior:
        return PatchPrior.from_tensors(epll_weights(settings).tensors)

    def solve(blurred: Image, psf: Psf, *, weight: Weight, settings: Any, report: Report | None = None) -> Image:
        return epll(blurred, psf, weight=weight, prior=prior(), settings=settings, report=report)

    return on_photograph(solve)(device, settings)


CANDIDATES = (
    Method(
        name="epll",
        title="Expected patch log likelihood under a Gaussian mixture",
        paper="Zoran & Weiss 2011",
        settings=TrainedEpllSettings,
        build=_epll,
        learned=epll_weights,
        tiling=WHOLE,
        bytes_per_pixel=300,
    ),
    Method(
        name="crf-cascade",
        title="Cascade of shrinkage fields, learned for one PSF",
        paper="Schmidt & Roth 2014, in place of Schmidt et al. 2013",
        settings=BaselineSettings,
        build=circular_network("crf-cascade"),
        psfs="disk:7 or shake:27,seed=22",
        trained=weights_for("crf-cascade"),
        transfer="encoded",
        tiling=WHOLE,
        example_psf="disk:7",
        bytes_per_pixel=1000,
    ),
    Method(
        name="mlp",
        title="Regularised inversion, then a perceptron on patches, learned for one PSF",
        paper="Schuler et al. 2013",
        settings=BaselineSettings,
        build=circular_network("mlp"),
        psfs="disk:7 or shake:27,seed=22",
        trained=weights_for("mlp"),
        transfer="encoded",
        tiling=WHOLE,
        example_psf="disk:7",
        bytes_per_pixel=200,
    ),
    Method(
        name="ssdae",
        title="Stacked denoising autoencoders on patches, asked to deconvolve",
        paper="Xie et al. 2012",
        settings=BaselineSettings,
        build=trained_network("ssdae"),
        psfs="disk:7",
        trained=weights_for("ssdae"),
        transfer="encoded",
        tiling=WHOLE,
        differentiable=True,
        example_psf="disk:7",
        bytes_per_pixel=250,
    ),
    Method(
        name="eigen-cnn",
        title="A denoising CNN with kernels of 16 × 16, asked to deconvolve",
        paper="Eigen et al. 2013",
        settings=BaselineSettings,
        build=trained_network("eigen-cnn"),
        psfs="disk:7",
        trained=weights_for("eigen-cnn"),
        transfer="encoded",
        tiling=Tiling(kind="exact", margin=network_margin("eigen-cnn")),
        differentiable=True,
        example_psf="disk:7",
        bytes_per_pixel=6500,
    ),
)
"""All of them, whether or not their weights are here."""


def weights_here(name: str) -> bool:
    """Whether any weights of this candidate come with the package."""
    return any(is_shipped(file) for file in SHIPPED.get((name, ""), (name,)))


BASELINES: tuple[Method, ...] = tuple(method for method in CANDIDATES if weights_here(method.name))
"""Those that can be used without training them."""
