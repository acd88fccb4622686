"""The one list of what can be chosen: ``METHODS``, name → :class:`Method`."""

from unblur.baselines import BASELINES
from unblur.circular import on_photograph
from unblur.deconvolvers import SeparableSettings, separable_inversion
from unblur.method import WHOLE, Method, Tiling
from unblur.networks.unet import STRIDE
from unblur.solvers.hyper_laplacian import HyperLaplacianSettings, hyper_laplacian
from unblur.solvers.outlier_em import OutlierEmSettings, outlier_em
from unblur.solvers.richardson_lucy import RichardsonLucySettings, richardson_lucy, richardson_lucy_reach
from unblur.solvers.saturated_rl import SaturatedRlSettings, saturated_rl
from unblur.solvers.sparse import SparseSettings, sparse
from unblur.solvers.wiener import WienerSettings, wiener, wiener_reach
from unblur.tensors import Psf
from unblur.trained import DcnnSettings, OdcnnSettings, network_margin, trained_network, weights_for
from unblur.universal import UniversalSettings, universal, universal_margin, universal_surroundings, universal_weights


def _iterated_reach(settings: RichardsonLucySettings | SaturatedRlSettings, psf: Psf) -> int:
    return richardson_lucy_reach(settings.iterations, psf)


_LIST = (
    Method(
        name="wiener",
        title="Wiener deconvolution (Tikhonov, or with a gradient prior)",
        paper="Wiener 1949; Levin et al. 2007 for the gradient prior",
        settings=WienerSettings,
        build=on_photograph(wiener),
        tiling=Tiling(kind="approximate", margin=wiener_reach),
        differentiable=True,
        bytes_per_pixel=60,
    ),
    Method(
        name="richardson-lucy",
        title="Richardson-Lucy (Poisson maximum likelihood)",
        paper="Richardson 1972; Lucy 1974",
        settings=RichardsonLucySettings,
        build=on_photograph(richardson_lucy),
        tiling=Tiling(kind="approximate", margin=_iterated_reach),
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
        tiling=Tiling(kind="approximate", margin=_iterated_reach),
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
        psfs="disk:7 and shake:27,seed=22, or the one you trained it for",
        trained=weights_for("dcnn"),
        transfer="encoded",
        tiling=Tiling(kind="exact", margin=network_margin("dcnn")),
        differentiable=True,
        example_psf="disk:7",
        bytes_per_pixel=1000,
    ),
    Method(
        name="odcnn",
        title="ODCNN: deconvolution and outlier rejection, learned for one PSF",
        paper="Xu et al. 2014, section 5.4",
        settings=OdcnnSettings,
        build=trained_network("odcnn"),
        psfs="disk:7 and shake:27,seed=22, or the one you trained it for",
        trained=weights_for("odcnn"),
        transfer="encoded",
        tiling=Tiling(kind="exact", margin=network_margin("odcnn")),
        differentiable=True,
        example_psf="disk:7",
        bytes_per_pixel=1600,
    ),
    Method(
        name="universal",
        title="One network for every PSF: learned splitting, unrolled inverses, clipped light filled in, small U-Nets",
        paper="after Xu et al. 2014; Schmidt and Roth 2014; Kruse et al. 2017; Zhang et al. 2020",
        settings=UniversalSettings,
        build=universal("universal"),
        learned=lambda settings: universal_weights("universal", settings),
        tiling=Tiling(kind="approximate", margin=universal_margin, surroundings=universal_surroundings, grid=STRIDE),
        psfs="any; sharper for the one that unblur train --from universal tuned it to",
        differentiable=True,
        bytes_per_pixel=20,
        bytes_fixed=400_000_000,
        working_memory=16_000_000_000,
    ),
)

METHODS: dict[str, Method] = {method.name: method for method in (*_LIST, *BASELINES)}


def default_method(psf: Psf) -> str:
    """The method for those who name none: it takes every PSF and needs no setting."""
    del psf
    return "universal"
