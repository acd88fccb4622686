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

from torch import Tensor

from unblur.errors import ConfigError
from unblur.train.publish import half_kernel
from unblur.weights import Weights, read_weights, shipped, write_weights


def mean(found: list[tuple[Weights, float]], only: str) -> dict[str, Tensor]:
    """The tensors of the first, those whose names begin with ``only`` averaged by the given shares."""
    first = found[0][0].tensors
    if any(
        {name: t.shape for name, t in w.tensors.items()} != {n: t.shape for n, t in first.items()} for w, _ in found
    ):
        raise ConfigError("the weights are of different sizes; expected files that were trained on from the same one")
    if abs(sum(share for _, share in found) - 1) > 1e-6:
        raise ConfigError("the shares do not sum to 1")
    tensors = dict(first)
    for name in first:
        if name.startswith(only):
            tensors[name] = half_kernel(
                sum((w.tensors[name].float() * share for w, share in found[1:]), first[name].float() * found[0][1])
            )
    return tensors


def main() -> None:
    """Read the command line, average, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("weights", nargs="+", metavar="FILE=SHARE")
    parser.add_argument("--only", default="", help="average only tensors whose names begin so, rounds for instance")
    asked = parser.parse_args()
    found = []
    for text in asked.weights:
        name, _, share = text.rpartition("=")
        found.append((shipped(name) if "/" not in name else read_weights(Path(name)), float(share)))
    told = " and ".join(
        f"{share:.0%} {w.card.network} {w.card.sha256[:12]} ({sum(w.card.patches.values())} patches)"
        for w, share in found
    )
    what = asked.only or "all"
    card = dataclasses.replace(found[0][0].card, begun_from=f"mean of {told}, {what}; {found[0][0].card.begun_from}")
    write_weights(asked.output, Weights(card=card, psf=found[0][0].psf, tensors=mean(found, asked.only)))


if __name__ == "__main__":
    main()
