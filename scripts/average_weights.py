"""The mean of weights that were trained on from the same ones: the noise of their last steps averages out.

    python scripts/average_weights.py OUTPUT runs/a/universal.safetensors=0.5 runs/b/universal.safetensors=0.5
    python scripts/average_weights.py OUTPUT universal=0.5 runs/b/universal.safetensors=0.5 --only rounds

After Wortsman et al. (Model soups, ICML 2022). It works only where all of them have one ancestor not far behind. A name
without a folder takes weights that ship. The first file gives the card, which then tells what was averaged, and what
`--only` leaves out.
"""

import argparse
import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from unblur.errors import ConfigError, UnblurError
from unblur.train.publish import half_kernel
from unblur.weights import Weights, read_weights, shipped, write_weights


def mean(found: list[tuple[Weights, float]], only: str) -> dict[str, Tensor]:
    """The tensors of the first, those whose names begin with ``only`` averaged by the given shares.

    Raises:
        ConfigError: the weights are not of one size, or the shares do not sum to 1.
    """
    first = found[0][0].tensors
    shapes = [{name: tensor.shape for name, tensor in weights.tensors.items()} for weights, _ in found]
    if any(other != shapes[0] for other in shapes):
        raise ConfigError("the weights are of different sizes; expected files that were trained on from the same one")
    if abs(sum(share for _, share in found) - 1) > 1e-6:
        raise ConfigError(f"the shares sum to {sum(share for _, share in found):g}, expected 1")
    averaged = {
        name: torch.stack([share * weights.tensors[name].float() for weights, share in found]).sum(dim=0)
        for name in first
        if name.startswith(only)
    }
    return {**first, **{name: half_kernel(tensor) for name, tensor in averaged.items()}}


def _read(text: str) -> tuple[Weights, float]:
    """Weights and their share from ``FILE=SHARE``."""
    name, _, share = text.rpartition("=")
    try:
        return (read_weights(Path(name)) if "/" in name else shipped(name)), float(share)
    except ValueError:
        raise ConfigError(f"{text!r} names no share, expected FILE=0.5 for instance") from None


def main() -> None:
    """Read the command line, average, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("weights", nargs="+", metavar="FILE=SHARE")
    parser.add_argument("--only", default="", help="average only tensors whose names begin so, rounds for instance")
    asked = parser.parse_args()
    try:
        found = [_read(text) for text in asked.weights]
        tensors = mean(found, asked.only)
    except UnblurError as error:
        parser.error(str(error))
    first = found[0][0]
    told = " and ".join(
        f"{share:.0%} {weights.card.network} {weights.card.sha256[:12]} ({sum(weights.card.patches.values())} patches)"
        for weights, share in found
    )
    origin = f"mean of {told}, {asked.only or 'all'}; {first.card.begun_from}"
    write_weights(
        asked.output, Weights(card=dataclasses.replace(first.card, begun_from=origin), psf=first.psf, tensors=tensors)
    )


if __name__ == "__main__":
    main()
