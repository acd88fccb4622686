"""Tune the universal network to one lens, and see on a photograph that it has not seen whether that was worth it.

    python examples/own_camera.py [-o FOLDER] [--quick]

The run is a tiny one: four photographs and the recipe ``own_camera.toml``, a few minutes. For a lens of your own take a
few hundred photographs and the shipped recipe (an hour): ``unblur train --from universal --psf lens.npy --photos DIR``.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import unblur
from panels import PHOTOGRAPHS, Panel, decibels, photograph, run, sheet
from unblur.io.psf import write_psf
from unblur.train.start import start_training

RECIPE = Path(__file__).parent / "own_camera.toml"
TRAINED_ON = ("houses", "motorcycles", "night", "parrot")
IN_A_HURRY = {
    "steps = 120": "steps = 2",
    "batch = 8": "batch = 2",
    "patch = 112": "patch = 48",
    "psfs = 64": "psfs = 2",
}


def main(folder: Path, *, quick: bool = False) -> dict[str, float]:
    """Draw ``own-camera.webp``: the photograph, the network before and after tuning, the truth; PSNR in dB of each."""
    lens = unblur.read_psf("polygon:5,6.5")
    camera = unblur.Camera(noise=0.002, peak=8000, jpeg=95, transfer="linear", real_jpeg=True)
    blurred, sharp = camera.photograph(photograph("lighthouse", quick=quick), lens, torch.Generator().manual_seed(11))

    with TemporaryDirectory() as name:
        weights = tuned(Path(name), lens, quick=quick)
        pictures = {
            "photograph": blurred,
            "universal": unblur.restore(blurred, lens),
            "universal, tuned": unblur.restore(blurred, lens, settings={"weights": str(weights)}),
        }

    found = {name: decibels(picture, sharp) for name, picture in pictures.items()}
    panels = [Panel(f"{name}: {found[name]:.2f} dB", picture) for name, picture in pictures.items()]
    panels[0] = panels[0]._replace(psf=lens)
    sheet([*panels, Panel("the truth", sharp)], folder / "own-camera.webp")
    return found


def tuned(folder: Path, lens: torch.Tensor, *, quick: bool) -> Path:
    """The file with the tuned weights, as ``unblur train RECIPE --from universal --psf PSF --photos DIR`` makes it."""
    psf, recipe = folder / "lens.npy", folder / "recipe.toml"
    write_psf(lens, psf)
    text = RECIPE.read_text(encoding="utf-8")
    for slow, quickly in IN_A_HURRY.items() if quick else ():
        text = text.replace(slow, quickly)
    recipe.write_text(text, encoding="utf-8")
    start_training(
        str(recipe),
        PHOTOGRAPHS,
        folder / "run",
        psf=str(psf),
        begin_from="universal",
        prefixes=TRAINED_ON,
        device="cpu",
    )
    return folder / "run" / "universal.safetensors"


if __name__ == "__main__":
    run(main)
