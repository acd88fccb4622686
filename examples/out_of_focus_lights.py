"""A city at night, out of focus: its lights are brighter than white, and clip.

    python examples/out_of_focus_lights.py [-o FOLDER] [--quick]

A clipped light breaks the linear model of a blur; a method that does not know rings around every lamp.
"""

from pathlib import Path

import torch

import unblur
from panels import Panel, decibels, photograph, run, sheet


def main(folder: Path, *, quick: bool = False) -> dict[str, float]:
    """Draw ``out-of-focus-lights.webp``: the photograph, Wiener, the default method, the truth; PSNR in dB of each."""
    # What reaches white was 4 times as bright as white before the blur spread it, as lamps are.
    camera = unblur.Camera(lights=4, noise=0.003, peak=4000, jpeg=90, transfer="linear", real_jpeg=True)
    psf = unblur.read_psf("disk:4")
    night = photograph("night", quick=quick)
    blurred, sharp = camera.photograph(night, psf, torch.Generator().manual_seed(1))

    wiener = unblur.restore(blurred, psf, method="wiener")
    restored = unblur.restore(blurred, psf)

    found = {
        "photograph": decibels(blurred, sharp),
        "wiener": decibels(wiener, sharp),
        "universal": decibels(restored, sharp),
    }
    pictures = {"photograph": blurred, "wiener": wiener, "universal": restored}
    panels = [Panel(f"{name}: {found[name]:.1f} dB", picture) for name, picture in pictures.items()]
    panels[0] = panels[0]._replace(psf=psf)
    sheet([*panels, Panel("the truth", sharp)], folder / "out-of-focus-lights.webp")
    return found


if __name__ == "__main__":
    run(main)
