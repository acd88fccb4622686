"""Old houses, out of focus, in little light, and sent by a messenger that compressed them.

    python examples/noise_and_jpeg.py [-o FOLDER] [--quick]

A method that must be told how strong the noise is can be told too little (grain) or too much (blur).
"""

from pathlib import Path

import torch

import unblur
from panels import Panel, decibels, photograph, run, sheet


def main(folder: Path, *, quick: bool = False) -> dict[str, float]:
    """Draw ``noise-and-jpeg.webp``: the photograph, Wiener at two strengths, the default method; PSNR in dB of each."""
    camera = unblur.Camera(noise=0.01, peak=800, jpeg=60, transfer="linear", real_jpeg=True)
    psf = unblur.read_psf("disk:3")
    blurred, sharp = camera.photograph(photograph("houses", quick=quick), psf, torch.Generator().manual_seed(4))

    pictures = {
        "photograph": blurred,
        "wiener": unblur.restore(blurred, psf, method="wiener"),
        "wiener, strength 0.3": unblur.restore(blurred, psf, method="wiener", strength=0.3),
        "universal, nothing to set": unblur.restore(blurred, psf),
    }

    found = {name: decibels(picture, sharp) for name, picture in pictures.items()}
    panels = [Panel(f"{name}: {found[name]:.1f} dB", picture) for name, picture in pictures.items()]
    panels[0] = panels[0]._replace(psf=psf)
    sheet(panels, folder / "noise-and-jpeg.webp")
    return found


if __name__ == "__main__":
    run(main)
