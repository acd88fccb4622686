"""Which network a recipe trains, on which data: the one place that tells the families apart."""

from collections.abc import Sequence

from torch import Tensor

from unblur.errors import ConfigError
from unblur.metrics import psnr
from unblur.precision import autocast
from unblur.tensors import Image, Psf
from unblur.train.config import DataConfig, Recipe
from unblur.train.data import Patches, Photos, validation_pairs
from unblur.train.stages import Parts, centre, inner
from unblur.train.universal import UniversalPart
from unblur.train.universal_data import Check, VariedPatches, varied_checks
from unblur.train.variety import Variety

Family = Parts | UniversalPart
"""What the loop trains: parts with a loss, rates and limits of their own."""
Source = Patches | VariedPatches
"""Where its batches come from."""
CHECKED = 12
"""The universal network is validated on so many pictures; each stands for four."""
CHECKED_SIDE = 256
"""Side of those pictures in pixels."""


def family_of(recipe: Recipe) -> Family:
    """The untrained network of a recipe."""
    return UniversalPart(recipe) if recipe.network == "universal" else Parts(recipe.network_sizes)


def source_of(recipe: Recipe, psf: Psf | None, photos: Photos) -> Source:
    """The batches of a recipe.

    Raises:
        ConfigError: a network for one PSF got none.
    """
    if isinstance(recipe.data, Variety):
        return VariedPatches(photos, recipe.data, recipe.seed, psf=psf)
    if psf is None:
        raise ConfigError(f"{recipe.name} needs a PSF; name it in the recipe or by --psf")
    return Patches(photos, psf, recipe.data, recipe.seed)


def checks_of(recipe: Recipe, psf: Psf | None, pictures: Sequence[Tensor]) -> list[Check]:
    """Fixed degraded pictures for a recipe's validation, in one or more columns."""
    if isinstance(recipe.data, DataConfig) and psf is not None:
        pairs = validation_pairs(pictures, psf, recipe.data, patch=recipe.stages[-1].patch, seed=recipe.seed)
        return [Check("", psf, blurred, sharp) for blurred, sharp in pairs]
    return varied_checks(pictures[:CHECKED], patch=CHECKED_SIDE, seed=recipe.seed, psf=psf)


def validation(family: Family, part: str, checks: Sequence[Check]) -> dict[str, float]:
    """Mean PSNR in dB on fixed degraded pictures: of the part, and of each column where there are several.

    Networks that lose their rim are measured without it, the others without half a PSF. NaN without pictures.
    """
    columns: dict[str, list[float]] = {}
    for check in checks:
        restored, sharp = _restored(family, part, check)
        columns.setdefault(check.column, []).append(float(psnr(restored, centre(sharp, restored))[0]))
    every = [value for values in columns.values() for value in values]
    means = {name: sum(values) / len(values) for name, values in columns.items()}
    return {part: sum(every) / len(every) if every else float("nan"), **(means if len(means) > 1 else {})}


def _restored(family: Family, part: str, check: Check) -> tuple[Image, Tensor]:
    """What a part makes of a check, its unreliable rim cut, and the sharp picture on the same device."""
    device = next(family.parameters()).device
    blurred, sharp = check.blurred.to(device), check.sharp.to(device)
    with autocast(device):
        if isinstance(family, Parts):
            return inner(family.restored(part, blurred), family.rim(part)).float(), sharp
        restored = family.restored(part, blurred, check.psf)
    return inner(restored, max(check.psf.shape) // 2), sharp
