"""One `universal` that knows each kind of noise, from networks that learned one kind each.

    python scripts/join_kinds.py OUTPUT universal white=runs/a/universal.safetensors jpeg=runs/b/universal.safetensors

The first is the network for every kind that is not named, and gives the card; where it knows kinds already, those that
are not named stay. The others must have been trained on from the first (`unblur.networks.kinds`). A name without a
folder takes weights that ship. `--bits` stores the U-Nets' kernels in so many bits, and what has changed in the others'
since the usual ones in as many as the second number says; without it they are float16. `--validation` measures the
result on the photographs of a folder, as training does, for the card.
"""

import argparse
import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from unblur.compact import WORTHWHILE, compacted, expanded, with_changes
from unblur.errors import ConfigError, UnblurError
from unblur.networks.kinds import KINDS
from unblur.train.data import find_photos, read_photos
from unblur.train.family import checks_of, validation
from unblur.train.start import find_recipe
from unblur.train.universal import UniversalPart
from unblur.weights import Weights, read_weights, shipped, write_weights

USUAL = KINDS[0]


def of_kind(weights: Weights, kind: str) -> dict[str, Tensor]:
    """The network for a kind, by the names that its tensors have where there is no other."""
    if not weights.card.sizes.get("kinds"):
        return dict(weights.tensors)
    before = f"kinds.{kind}."
    return {name.removeprefix(before): t for name, t in weights.tensors.items() if name.startswith(before)}


def joined(first: Weights, others: dict[str, Weights]) -> Weights:
    """The first's network for each kind, or what another has learned for it.

    Raises:
        ConfigError: an unknown kind, or networks of different sizes.
    """
    unknown = set(others) - set(KINDS)
    if unknown:
        raise ConfigError(f"{sorted(unknown)[0]} is no kind of noise, expected one of {', '.join(KINDS)}")
    networks = {kind: of_kind(others.get(kind, first), kind) for kind in KINDS}
    shapes = {kind: {name: t.shape for name, t in tensors.items()} for kind, tensors in networks.items()}
    different = [kind for kind in KINDS if shapes[kind] != shapes[USUAL]]
    if different:
        raise ConfigError(f"the network for {different[0]} is of another size than that for {USUAL}")
    tensors = {f"kinds.{kind}.{name}": t.clone() for kind, network in networks.items() for name, t in network.items()}
    told = [f"{kind} from {_told(weights)}" for kind, weights in others.items()]
    began = "; ".join(filter(None, [f"all but the rest from {_told(first)}", *told, first.card.begun_from]))
    cards = {kind: weights.card for kind, weights in others.items() if weights.card.steps != first.card.steps}
    card = dataclasses.replace(
        first.card,
        sizes={**first.card.sizes, "kinds": 1},
        steps=first.card.steps | {f"{part} for {kind}": n for kind, c in cards.items() for part, n in c.steps.items()},
        patches=first.card.patches
        | {f"{part} for {kind}": n for kind, c in cards.items() for part, n in c.patches.items()},
        hours=first.card.hours + sum(c.hours for c in cards.values()),
        validation={},
        begun_from=began,
    )
    return Weights(card=card, psf=first.psf, tensors=tensors)


def validated(whole: Weights, folder: Path) -> Weights:
    """The weights with the mean PSNR in dB on photographs under the columns of a training run on their card."""
    recipe = dataclasses.replace(find_recipe("universal", psf=None), sizes=whole.card.sizes)
    part = UniversalPart(recipe)
    part.begin(whole)
    pictures = read_photos(find_photos(folder, ()))
    with torch.no_grad():
        columns = validation(part, "universal", checks_of(recipe, None, pictures))
    return dataclasses.replace(whole, card=dataclasses.replace(whole.card, validation=columns))


def small(tensors: dict[str, Tensor], bits: int, of_changes: int) -> dict[str, Tensor]:
    """The tensors with the U-Nets' kernels in few bits."""
    before = f"kinds.{USUAL}.nets."
    usual = [name for name, t in tensors.items() if name.startswith(before) and t.numel() >= WORTHWHILE]
    kernels = compacted({name: tensors[name].float() for name in usual}, bits)
    read_again = {**tensors, **expanded(kernels)}
    origins = {f"kinds.{kind}.nets.{name.removeprefix(before)}": name for kind in KINDS[1:] for name in usual}
    stored = with_changes(read_again, origins, of_changes)
    return {**{name: t for name, t in stored.items() if name not in usual}, **kernels}


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
    parser.add_argument("--validation", type=Path, metavar="DIR")
    parser.add_argument("--bits", type=int, nargs=2, metavar=("USUAL", "CHANGES"))
    asked = parser.parse_args()
    try:
        named = (text.partition("=") for text in asked.others)
        whole = joined(_read(asked.first), {kind: _read(name) for kind, _, name in named})
        tensors = whole.tensors if asked.bits is None else small(whole.tensors, *asked.bits)
        if asked.validation is not None:
            whole = validated(dataclasses.replace(whole, tensors=expanded(tensors)), asked.validation)
            print(whole.card.validation)  # noqa: T201
        write_weights(asked.output, dataclasses.replace(whole, tensors=tensors))
        read_weights(asked.output)  # what cannot be read again must not be found out by somebody else
    except UnblurError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
