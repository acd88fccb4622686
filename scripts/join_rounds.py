"""One `universal` whose rounds know each kind of noise, from networks whose rounds learned one kind each.

    python scripts/join_rounds.py OUTPUT universal white=runs/a/universal.safetensors jpeg=runs/b/universal.safetensors

The first gives all else, the card, and the rounds of every kind that is not named; it may have kinds already. The
others give their rounds for one kind (`unblur.networks.kinds`); they must have been trained on from the same rounds as
the first. A name without a folder takes weights that ship.
"""

import argparse
import dataclasses
from pathlib import Path

from torch import Tensor

from unblur.errors import ConfigError, UnblurError
from unblur.networks.kinds import KINDS
from unblur.weights import Weights, read_weights, shipped, write_weights


def rounds_of(weights: Weights, kind: str) -> dict[str, Tensor]:
    """The rounds' tensors for a kind, by their names within one set.

    Raises:
        ConfigError: the network has no rounds.
    """
    before = f"rounds.kinds.{kind}." if weights.card.sizes.get("kinds") else "rounds."
    found = {name.removeprefix(before): t for name, t in weights.tensors.items() if name.startswith(before)}
    if not found:
        raise ConfigError(f"{weights.card.network} {weights.card.sha256[:12]} has no rounds; expected sizes.sparse = 1")
    return found


def joined(first: Weights, others: dict[str, Weights]) -> Weights:
    """The first's network, with the rounds that the others learned for their kinds.

    Raises:
        ConfigError: an unknown kind, a network without rounds, or rounds of another size.
    """
    unknown = set(others) - set(KINDS)
    if unknown:
        raise ConfigError(f"{sorted(unknown)[0]} is no kind of noise, expected one of {', '.join(KINDS)}")
    tensors = {name: tensor for name, tensor in first.tensors.items() if not name.startswith("rounds.")}
    for kind in KINDS:
        own, usual = rounds_of(others.get(kind, first), kind), rounds_of(first, kind)
        if {n: t.shape for n, t in own.items()} != {n: t.shape for n, t in usual.items()}:
            raise ConfigError(f"the rounds for {kind} are of another size than those of the first")
        tensors |= {f"rounds.kinds.{kind}.{name}": tensor for name, tensor in own.items()}
    told = [f"rounds for {kind} from {_told(weights)}" for kind, weights in others.items()]
    card = dataclasses.replace(
        first.card,
        sizes={**first.card.sizes, "kinds": 1},
        begun_from="; ".join([f"all but the rest from {_told(first)}", *told, first.card.begun_from]).removesuffix(
            "; "
        ),
    )
    return Weights(card=card, psf=first.psf, tensors=tensors)


def _told(weights: Weights) -> str:
    seen = sum(weights.card.patches.values())
    return f"{weights.card.recipe.get('name', weights.card.network)} {weights.card.sha256[:12]} ({seen} patches)"


def _read(name: str) -> Weights:
    return read_weights(Path(name)) if "/" in name else shipped(name)


def main() -> None:
    """Read the command line, join, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("first", metavar="WEIGHTS")
    parser.add_argument("others", nargs="+", metavar="KIND=WEIGHTS")
    asked = parser.parse_args()
    try:
        named = (text.partition("=") for text in asked.others)
        write_weights(asked.output, joined(_read(asked.first), {kind: _read(name) for kind, _, name in named}))
    except UnblurError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
