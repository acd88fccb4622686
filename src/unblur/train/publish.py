"""From a run to weights files with their cards."""

import dataclasses
import platform
from pathlib import Path

import torch
from torch import Tensor

from unblur import __version__
from unblur.precision import bfloat16_pays
from unblur.tensors import Psf
from unblur.train.checkpoint import Run
from unblur.weights import Card, Weights, write_weights

METHODS = {"deconvolution": "dcnn", "joint": "odcnn"}
"""Parts after which the paper's network restores photographs by itself, and the name of the method that it is."""


def publish(
    run: Run, psf: Psf | None, folder: Path, *, photographs: int, begun_from: Weights | None = None
) -> Path | None:
    """Write the weights of the stage that has just ended; the denoise half alone is no method and is not written.

    Args:
        run: at the end of a stage.
        psf: what the network is for; None for every PSF.
        folder: of the run.
        photographs: how many it was trained on.
        begun_from: the weights that the run began from, for the card.

    Returns:
        ``folder/<network>.safetensors``, or None. A network for any PSF carries a point as its PSF.
    """
    part, recipe = run.stage.part, run.recipe
    universal = recipe.network == "universal"
    network = "universal" if universal else METHODS.get(part)
    if network is None:
        return None
    done = recipe.stages[: run.stage_number + 1]
    parts = list(dict.fromkeys(stage.part for stage in done))
    card = Card(
        network=network,
        sizes=recipe.network_sizes,
        psf=recipe.psf,
        start=recipe.start if recipe.network == "odcnn" else "trained" if begun_from else "random",
        begun_from=_origin(begun_from),
        transfer=getattr(recipe.data, "transfer", "any"),
        recipe=dataclasses.asdict(recipe),
        photographs=photographs,
        source=recipe.source,
        steps={part: sum(stage.steps for stage in done if stage.part == part) for part in parts},
        patches={part: sum(stage.steps * stage.batch for stage in done if stage.part == part) for part in parts},
        hours=round(run.seconds / 3600, 3),
        hardware=_hardware(run.device),
        precision="bfloat16 in the outlier layers" if bfloat16_pays(run.device.type) else "float32",
        validation={name: round(value, 3) for name, value in run.validation.items()},
        version=__version__,
    )
    path = folder / f"{network}.safetensors"
    tensors = run.parts.part("universal" if universal else part).state_dict()
    if universal:
        tensors = {name: half_kernel(tensor) for name, tensor in tensors.items()}
    write_weights(path, Weights(card=card, psf=torch.ones(1, 1) if psf is None else psf, tensors=tensors))
    return path


def half_kernel(tensor: Tensor) -> Tensor:
    """Kernels as float16, half the file for less than the eighth bit of a grey level; all else as it is."""
    return tensor.half() if tensor.ndim == 4 else tensor


def _origin(weights: Weights | None) -> str:
    if weights is None:
        return ""
    card = weights.card
    patches = sum(card.patches.values())
    return f"{card.network} {card.sha256[:12]}, trained for PSF {card.psf} on {patches} patches, unblur {card.version}"


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} threads of {platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"
