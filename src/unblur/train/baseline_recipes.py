"""How long and on what the paper's trained rivals are trained: at most an hour each on two CPU cores."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from unblur.errors import ConfigError
from unblur.train.baseline_families import FAMILIES
from unblur.train.config import DataConfig


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One stretch of training; what it changes, its number says."""

    name: str
    steps: int
    batch: int
    """Patches a step."""
    patch: int
    """Side of the blurred patches in pixels."""
    rate: float
    """Learning rate at its peak; it falls along a cosine to a hundredth."""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        if min(self.steps, self.batch, self.patch) < 1 or not 0 < self.rate < 1:
            raise ConfigError(f"{self} cannot be trained, expected positive numbers and a rate below 1")


@dataclass(frozen=True, kw_only=True)
class BaselineRecipe:
    """Everything that decides the weights, but the photographs and the PSF's values."""

    network: str
    """A name of ``FAMILIES``."""
    psf: str = "disk:7"
    """In words; for the weights' card."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Single sizes that differ from the network's own."""
    phases: tuple[Phase, ...] = ()
    data: DataConfig = field(default_factory=lambda: DataConfig(saturated=0.0))
    """The camera; the rivals know nothing of clipping."""
    seed: int = 1
    source: str = ""
    """Where the photographs come from and under which licence, in words for the weights' card."""

    def __post_init__(self) -> None:
        """Refuse what could not be trained."""
        if self.network not in FAMILIES:
            raise ConfigError(f"there is no baseline {self.network!r}, expected one of {', '.join(FAMILIES)}")
        if not self.phases:
            raise ConfigError(f"the recipe of {self.network} has no phases, expected at least one")


BASELINES: dict[str, BaselineRecipe] = {
    # 4 patches of 112, extended to 144², at 15 kFLOP a pixel and stage, memory-bound: about half an hour.
    "crf-cascade": BaselineRecipe(
        network="crf-cascade",
        sizes={"stages": 5, "side": 5, "kernels": 53},
        phases=(
            *(Phase(name=f"stage {n}", steps=400, batch=4, patch=112, rate=1e-2) for n in range(1, 6)),
            Phase(name="joint", steps=1000, batch=4, patch=112, rate=2e-3),
        ),
    ),
    # 0.56 M multiply-adds a patch and 4608 patches a step: 16 GFLOP a step, 0.16 PFLOP in all.
    "mlp": BaselineRecipe(
        network="mlp",
        sizes={"inside": 39, "outside": 13, "width": 256, "depth": 3, "stride": 3},
        phases=(Phase(name="patches", steps=10000, batch=8, patch=192, rate=5e-4),),
    ),
    # 0.22, 0.29 and 0.52 M multiply-adds a patch, 2888 patches a step: 3.8, 5.1 and 9 GFLOP a step, 0.06 PFLOP in all.
    "ssdae": BaselineRecipe(
        network="ssdae",
        sizes={"side": 17, "width": 384, "depth": 2, "stride": 2},
        phases=(
            *(Phase(name=f"layer {n}", steps=1200, batch=8, patch=128, rate=1e-3) for n in (1, 2)),
            Phase(name="tune", steps=5000, batch=8, patch=128, rate=5e-4),
        ),
    ),
    # 0.43 M multiply-adds a pixel and 65² pixels a patch: 43 GFLOP a step, 0.17 PFLOP in all.
    "eigen-cnn": BaselineRecipe(
        network="eigen-cnn",
        sizes={"width": 512, "first": 16, "last": 8},
        phases=(Phase(name="patches", steps=4000, batch=4, patch=80, rate=1e-3),),
    ),
}
"""Recipes that need at most an hour on two CPU cores at 60 GFLOP/s; the card says how long it was."""
