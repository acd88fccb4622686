"""The one list of what can be chosen: ``METHODS``, name → :class:`Method`."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch

from unblur.deconvolvers import (
    DcnnSettings,
    Deconvolver,
    OdcnnSettings,
    SeparableSettings,
    network_margin,
    on_photograph,
    separable_inversion,
    trained_network,
    weights_for,
)
from unblur.errors import ConfigError
from unblur.solvers.hyper_laplacian import HyperLaplacianSettings, hyper_laplacian
from unblur.solvers.outlier_em import OutlierEmSettings, outlier_em
from unblur.solvers.richardson_lucy import RichardsonLucySettings, richardson_lucy
from unblur.solvers.saturated_rl import SaturatedRlSettings, saturated_rl
from unblur.solvers.sparse import SparseSettings, sparse
from unblur.solvers.wiener import WienerSettings, wiener
from unblur.tensors import Psf
from unblur.universal import UniversalSettings, universal
from unblur.weights import Weights


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How a method's result on a tile relates to its result on the whole picture.

    ``exact``: equal to float precision when the tile overlaps by ``margin``; ``approximate``: the largest difference
    stays under 1/255; ``whole``: tiles are refused.
    """

    kind: Literal["exact", "approximate", "whole"]
    margin: Callable[[Any, Psf], int]
    """Settings and PSF → overlap in pixels on each side of a tile."""


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
    trained: Callable[[Any, Psf], Weights] | None = None
    """Settings and PSF → the weights that would be used; None for what needs no training."""
    transfer: Literal["any", "linear", "encoded"] = "any"
    """The light in which it must work; ``any`` leaves the choice to the caller."""
    tiling: Tiling
    differentiable: bool = False
    example_psf: str = "disk:2.5"
    bytes_per_pixel: int = 100
    """Peak working memory per pixel and channel of the extended picture; sizes the tiles."""

    def refusal(self, psf: Psf, settings: Any = None) -> str | None:
        """Why the method cannot take this PSF, in words that follow its name; None if it can."""
        if self.trained is None:
            return None
        return self.trained(settings or self.settings(), psf).refusal(psf)

    def margin(self, psf: Psf, settings: Any = None) -> int:
        """Pixels by which a tile must overlap its neighbours, on each side."""
        return self.tiling.margin(settings or self.settings(), psf)

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

_LIST = (
    Method(
        name="wiener",
        title="Wiener deconvolution (Tikhonov, or with a gradient prior)",
        paper="Wiener 1949; Levin et al. 2007 for the gradient prior",
        settings=WienerSettings,
        build=on_photograph(wiener),
        tiling=Tiling(kind="approximate", margin=lambda _, psf: 4 * max(psf.shape) + 32),
        differentiable=True,
        bytes_per_pixel=60,
    ),
    Method(
        name="richardson-lucy",
        title="Richardson-Lucy (Poisson maximum likelihood)",
        paper="Richardson 1972; Lucy 1974",
        settings=RichardsonLucySettings,
        build=on_photograph(richardson_lucy),
        tiling=Tiling(kind="approximate", margin=lambda _, psf: 6 * max(psf.shape) + 32),
        bytes_per_pixel=60,
    ),
    Method(
        name="sparse",
        title="Sparse derivatives, by reweighted least squares",
        paper="Levin et al. 2007",
        settings=SparseSettings,
        build=on_photograph(sparse),
        tiling=WHOLE,
        bytes_per_pixel=220,
    ),
    Method(
        name="hyper-laplacian",
        title="Hyper-Laplacian gradients, by half-quadratic splitting",
        paper="Krishnan & Fergus 2009",
        settings=HyperLaplacianSettings,
        build=on_photograph(hyper_laplacian),
        tiling=WHOLE,
        bytes_per_pixel=140,
    ),
    Method(
        name="outlier-em",
        title="Sparse deconvolution that judges outliers, by expectation maximisation",
        paper="Cho, Wang & Lee 2011",
        settings=OutlierEmSettings,
        build=on_photograph(outlier_em),
        tiling=WHOLE,
        bytes_per_pixel=220,
    ),
    Method(
        name="saturated-rl",
        title="Richardson-Lucy for clipped light",
        paper="Whyte, Sivic & Zisserman 2011 and 2014",
        settings=SaturatedRlSettings,
        build=on_photograph(saturated_rl),
        tiling=Tiling(kind="approximate", margin=lambda _, psf: 4 * max(psf.shape)),
        bytes_per_pixel=120,
    ),
    Method(
        name="separable",
        title="Separable inversion (the regularised inverse kernel, split by SVD)",
        paper="Xu, Tao & Jia 2014; Xu et al. 2014, section 5.1",
        settings=SeparableSettings,
        build=separable_inversion,
        tiling=Tiling(kind="exact", margin=lambda settings, _: settings.support // 2),
        differentiable=True,
        bytes_per_pixel=300,
    ),
    Method(
        name="dcnn",
        title="DCNN: a wide separable inverse filter, learned for one PSF",
        paper="Xu et al. 2014, section 5.2",
        settings=DcnnSettings,
        build=trained_network("dcnn"),
        psfs="disk:7",
        trained=weights_for("dcnn"),
        transfer="encoded",
        tiling=Tiling(kind="exact", margin=network_margin("dcnn")),
        differentiable=True,
        example_psf="disk:7",
        bytes_per_pixel=600,
    ),
    Method(
        name="odcnn",
        title="ODCNN: deconvolution and outlier rejection, learned for one PSF",
        paper="Xu et al. 2014, section 5.4",
        settings=OdcnnSettings,
        build=trained_network("odcnn"),
        psfs="disk:7",
        trained=weights_for("odcnn"),
        transfer="encoded",
        tiling=Tiling(kind="exact", margin=network_margin("odcnn")),
        differentiable=True,
        example_psf="disk:7",
        bytes_per_pixel=1600,
    ),
    Method(
        name="universal",
        title="One network for every PSF: unrolled inverses, clipped light filled in, small U-Nets",
        paper="after Xu et al. 2014; Dong et al. 2020; Zhang et al. 2020",
        settings=UniversalSettings,
        build=universal("universal"),
        tiling=WHOLE,
        differentiable=True,
        bytes_per_pixel=600,
    ),
)

METHODS: dict[str, Method] = {method.name: method for method in _LIST}


def default_method(psf: Psf) -> str:
    """The best method that takes this PSF and needs no setting."""
    return "wiener" if METHODS["odcnn"].refusal(psf) else "odcnn"
