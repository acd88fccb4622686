"""The learned parts of the universal network as ONNX files; :mod:`unblur.interop.portable` runs them without PyTorch.

What is learned are small U-Nets and a handful of numbers. The Fourier transforms between them stay outside: they have
no parameters, and their sizes depend on the photograph and the PSF.
"""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from unblur.errors import ConfigError
from unblur.interop.module import Deblur
from unblur.interop.portable import CARD, ROUNDS, VERSION
from unblur.networks.kinds import COMPRESSED, GRAINY, KINDS, UNTOUCHED, UniversalByNoise
from unblur.networks.rounds import DAMPING, DIRECTIONS, FINENESS, REACH, WIDEST
from unblur.networks.splitting import FIRST_RATIO
from unblur.networks.unet import STRIDE
from unblur.networks.universal import Universal


def export_onnx(
    folder: str | Path, *, method: str = "universal", settings: Mapping[str, object] | None = None
) -> tuple[Path, ...]:
    """Write the network of a method as ``unet-1.onnx``, ``unet-2.onnx``, …, ``rounds.npz`` and ``universal.json``.

    One that is learned for each kind of noise has ``unet-white-1.onnx`` and so on. ``rounds.npz`` holds the rounds of
    splitting that the network begins with, if it does. Each U-Net maps ``planes`` ``(1, inputs, H, W)`` to ``answer``
    ``(1, outputs, H, W)`` in float32; H and W are free multiples of 8. Files of these names are replaced, the JSON file
    last.

    Args:
        folder: made if it is missing.
        method: ``universal``, or another method of the same kind.
        settings: the method's own, by name: ``{"weights": "mine.safetensors"}`` for a network that you tuned.

    Returns:
        The files, the JSON file last.

    Raises:
        ConfigError: another kind of method, or the extra ``onnx`` is not installed.
        WeightsError: the weights are missing or damaged.
    """
    network = Deblur(method, settings=settings).network
    if network is None:
        raise ConfigError(f"{method} is no network for every PSF, expected universal; only its parts are exported")
    try:
        import onnxscript  # noqa: F401 - torch would say less clearly what is missing
    except ImportError:
        raise ConfigError("the export needs one more library; pip install unblur[onnx]") from None
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    by_kind: dict[str, Universal] = (
        dict(zip(KINDS, network.networks(), strict=True)) if isinstance(network, UniversalByNoise) else {"": network}
    )
    steps, written = {}, []
    for kind, one in by_kind.items():
        files = [folder / "-".join(filter(None, ("unet", kind, f"{n}.onnx"))) for n in range(1, len(one.nets) + 1)]
        for net, file in zip(one.nets, files, strict=True):
            _export(net, one.sizes.inputs, file)
        names = [files[number % len(files)].name for number in range(one.sizes.steps)]
        steps[kind] = _steps(one, names)
        written += files
    if network.rounds:
        written.append(folder / ROUNDS)
        _save_rounds(by_kind, folder / ROUNDS)
    part = folder / f"{CARD}.part"
    part.write_text(json.dumps(_card(next(iter(by_kind.values())), steps), indent=1), encoding="utf-8")
    part.replace(folder / CARD)
    return (*written, folder / CARD)


def _export(net: nn.Module, inputs: int, file: Path) -> None:
    """One U-Net with free height and width."""
    cells = torch.export.Dim("cell_rows", min=1), torch.export.Dim("cell_columns", min=1)
    example = torch.zeros(1, inputs, 5 * STRIDE, 6 * STRIDE)
    part = file.with_name(file.name + ".part")
    with _quiet():
        torch.onnx.export(
            net,
            (example,),
            str(part),
            dynamo=True,
            dynamic_shapes=({2: STRIDE * cells[0], 3: STRIDE * cells[1]},),
            input_names=["planes"],
            output_names=["answer"],
            external_data=False,
            verbose=False,
        )
    part.replace(file)


def _save_rounds(by_kind: Mapping[str, Universal], file: Path) -> None:
    """Of every kind, its name and a dot before each of its tensors' names."""
    tensors = {
        f"{kind}.{name}": tensor.numpy()
        for kind, network in by_kind.items()
        for name, tensor in (network.rounds.state_dict() if network.rounds else {}).items()
    }
    part = file.with_name(file.name + ".part")
    with part.open("wb") as stream:
        np.savez(stream, **tensors)
    part.replace(file)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of its own doings: nobody here can act on it."""
    chatter = logging.getLogger("torch.onnx")
    level = chatter.level
    chatter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.` is deprecated", FutureWarning)
            yield
    finally:
        chatter.setLevel(level)


def _steps(network: Universal, names: list[str]) -> list[dict[str, Any]]:
    """Everything learned of each step that is not in its U-Net, whose file is named."""
    return [
        {
            "unet": name,
            "choice": network.choice[number].tolist(),
            **{learned: values.tolist() for learned, values in bank.named_parameters()},
        }
        for number, (name, bank) in enumerate(zip(names, network.banks, strict=True))
    ]


def _card(network: Universal, steps: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What is learned of every kind, and what holds for all: sizes as those of ``network``, the numbers of formulas."""
    return {
        "version": VERSION,
        "members": network.sizes.members,
        "first_ratio": FIRST_RATIO,
        "fineness": FINENESS,
        "directions": DIRECTIONS,
        "guide_reach": REACH,
        "widest": WIDEST,
        "damping": DAMPING,
        "between": [GRAINY, UNTOUCHED, COMPRESSED],
        "phases": [phase.stop for phase in network.rounds.phases] if network.rounds else [],
        "reach": max(int(net.reach) for net in network.nets),  # type: ignore[arg-type]
        "steps": steps,
    }
