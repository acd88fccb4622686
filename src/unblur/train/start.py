"""From what a person types to a training run: recipe, PSF, photographs and device looked up and checked."""

from collections.abc import Callable
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path

import torch

from unblur.devices import torch_device
from unblur.errors import ConfigError
from unblur.io.psf import read_psf
from unblur.networks.universal import sizes_of
from unblur.train.checkpoint import Run
from unblur.train.config import ANY, Recipe, read_recipe
from unblur.train.data import find_photos, read_photos
from unblur.train.launch import Progress, Schedule, processes, train_recipe
from unblur.weights import Weights, read_weights, shipped

TUNE = "universal-tune"
"""Recipe that fits a trained universal network to one PSF."""
HELD_OUT = 20
"""Without photographs for validation, every so-many-th of those for training is held out."""


def shipped_recipes() -> list[tuple[str, str]]:
    """Name and first comment line of every recipe that comes with the package."""
    folder = resources.files("unblur") / "train" / "recipes"
    found = [(entry.name, entry.read_text(encoding="utf-8")) for entry in folder.iterdir()]
    return sorted(
        (name.removesuffix(".toml"), text.splitlines()[0].lstrip("# "))
        for name, text in found
        if name.endswith(".toml")
    )


def find_recipe(name: str, *, psf: str | None) -> Recipe:
    """A recipe from a file, or one of the shipped ones by its name; ``psf`` replaces the recipe's.

    Raises:
        ConfigError: there is neither, or the recipe is wrong.
    """
    path = Path(name)
    if path.suffix == ".toml" or path.exists():
        return read_recipe(path, psf=psf)
    entry = resources.files("unblur") / "train" / "recipes" / f"{name}.toml"
    if not entry.is_file():
        known = ", ".join(recipe for recipe, _ in shipped_recipes())
        raise ConfigError(f"there is no recipe {name!r}; expected a .toml file or one of {known}")
    with resources.as_file(entry) as file:
        return read_recipe(file, psf=psf)


def weights_to_tune(name: str) -> Weights:
    """Weights of a universal network, from a file or by the name of shipped ones.

    Raises:
        WeightsError: there are none of that name, or the file is damaged.
        ConfigError: they are of another network, which knows one PSF and is trained afresh for another.
    """
    path = Path(name)
    weights = read_weights(path) if path.suffix == ".safetensors" or path.exists() else shipped(name)
    if weights.card.network != "universal":
        raise ConfigError(f"{name} holds a {weights.card.network}, expected a universal network to begin from")
    return weights


def tuning_recipe(name: str | None, weights: Weights, *, psf: str | None) -> Recipe:
    """A recipe that goes on from weights, with their sizes.

    Args:
        name: of the recipe; None takes the shipped ``universal-tune``, which wants a PSF.
        weights: to begin from.
        psf: what to tune for, instead of the recipe's.

    Raises:
        ConfigError: no PSF to tune for, or a recipe for another network.
    """
    recipe = find_recipe(name or TUNE, psf=psf)
    if recipe.network != "universal":
        raise ConfigError(f"{recipe.name} trains an {recipe.network}; --from begins a universal network only")
    if name is None and recipe.psf == ANY:
        raise ConfigError("there is no PSF to tune the network for; name it with --psf, my_psf.png for instance")
    sizes = asdict(sizes_of(weights.card.sizes))  # all of them: a preset may have changed since
    return replace(recipe, sizes=sizes, begun_from=weights.card.sha256)


def start_training(
    recipe_name: str | None,
    photos: Path,
    output: Path,
    *,
    psf: str | None = None,
    begin_from: str | None = None,
    validation: Path | None = None,
    prefixes: tuple[str, ...] = (),
    device: str = "auto",
    threads: int | None = None,
    schedule: Schedule | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Run:
    """Train a recipe on a folder of photographs; continues what ``output`` holds.

    Args:
        recipe_name: a TOML file, or the name of a shipped recipe; None with ``begin_from`` takes ``universal-tune``.
        photos: folder with sharp photographs; searched with all its subfolders.
        output: folder of the run.
        psf: grammar or file, instead of the recipe's.
        begin_from: a weights file, or the name of shipped weights, of a universal network to go on from.
        validation: folder with photographs that are not trained on; None holds out every 20th of ``photos``.
        prefixes: take only the photographs whose names start with one of these; empty takes all.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        threads: CPU threads; None leaves PyTorch's choice.
        schedule: how often to save, log and validate, and when to stop.
        watch: called after each step.

    Raises:
        ConfigError: recipe, folder or device are not to be had.
        WeightsError: the weights to begin from are not.
        PsfError: the PSF cannot be read.
    """
    weights = None if begin_from is None else weights_to_tune(begin_from)
    if weights is not None:
        recipe = tuning_recipe(recipe_name, weights, psf=psf)
    elif recipe_name is None:
        raise ConfigError("there is nothing to train; name a recipe, or weights to begin from with --from")
    else:
        recipe = find_recipe(recipe_name, psf=psf)
    kernel = None if recipe.psf == ANY else read_psf(recipe.psf)
    place = torch_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    paths = find_photos(photos, prefixes)
    if validation is None:
        held_out = paths[HELD_OUT // 2 :: HELD_OUT]
        paths = [path for path in paths if path not in set(held_out)]
    else:
        held_out = find_photos(validation, ())
    with processes(place):
        return train_recipe(
            recipe,
            kernel,
            read_photos(paths, colour=recipe.network == "universal"),
            output,
            held_out=read_photos(held_out) if held_out else [],
            device=place,
            weights=weights,
            schedule=schedule,
            watch=watch,
        )
