"""Trains what the paper compares with: ``python -m unblur.train mlp --photos DIR -o RUN``."""

import argparse
import dataclasses
import sys
from pathlib import Path

import torch

from unblur.devices import torch_device
from unblur.errors import UnblurError
from unblur.io.psf import read_psf
from unblur.train.baseline_recipes import BASELINES
from unblur.train.baselines import BaselineProgress, train_baseline
from unblur.train.data import find_photos, read_photos
from unblur.train.gmm import PriorProgress, PriorRecipe, train_prior


def main(arguments: list[str] | None = None) -> int:
    """Train the patch prior of ``epll`` or a baseline; continues what the output folder holds."""
    parser = argparse.ArgumentParser(prog="python -m unblur.train", description=main.__doc__)
    parser.add_argument("network", choices=["epll", *BASELINES])
    parser.add_argument("--photos", type=Path, required=True, help="folder with sharp photographs")
    parser.add_argument("--validation", type=Path, help="folder with photographs that are not trained on")
    parser.add_argument("--prefix", action="append", default=[], help="take only photographs whose names start so")
    parser.add_argument("--psf", default="disk:7", help="grammar or file; epll needs none")
    parser.add_argument("--source", default="", help="where the photographs come from, for the weights' card")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the run")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, help="stop, saved, after so many")
    chosen = parser.parse_args(arguments)
    try:
        _train(chosen)
    except UnblurError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _train(chosen: argparse.Namespace) -> None:
    device: torch.device = torch_device(chosen.device)
    pictures = read_photos(find_photos(chosen.photos, chosen.prefix))
    if chosen.network == "epll":
        prior = PriorRecipe(source=chosen.source)
        train_prior(pictures, chosen.output, recipe=prior, device=device, seconds=chosen.seconds, watch=_tell_prior)
        return
    recipe = dataclasses.replace(BASELINES[chosen.network], psf=chosen.psf, source=chosen.source)
    held_out = read_photos(find_photos(chosen.validation, [])) if chosen.validation else []
    train_baseline(
        recipe,
        read_psf(chosen.psf),
        pictures,
        chosen.output,
        held_out=held_out,
        device=device,
        seconds=chosen.seconds,
        watch=_tell,
    )


def _tell(progress: BaselineProgress) -> None:
    if progress.step % 50 and progress.step != progress.steps:
        return
    quality = "" if progress.validation is None else f", {progress.validation:.2f} dB"
    sys.stderr.write(
        f"{progress.share:4.0%} {progress.phase}: step {progress.step} of {progress.steps}, "
        f"loss {progress.loss:.3g}{quality}\n"
    )


def _tell_prior(progress: PriorProgress) -> None:
    sys.stderr.write(
        f"round {progress.round} of {progress.rounds}: log likelihood {progress.log_likelihood:.3f} a patch, "
        f"{progress.seconds:.0f} s\n"
    )


if __name__ == "__main__":
    sys.exit(main())
