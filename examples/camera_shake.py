"""A lighthouse, photographed by a hand that shook.

python examples/camera_shake.py [-o FOLDER] [--quick]
"""

from pathlib import Path

import torch

import unblur
from panels import Panel, decibels, photograph, run, sheet


def main(folder: Path, *, quick: bool = False) -> dict[str, float]:
    """Draw ``camera-shake.webp``: the photograph, Richardson-Lucy, the default method, the truth; PSNR in dB."""
    camera = unblur.Camera(noise=0.003, peak=4000, jpeg=90, transfer="linear", real_jpeg=True)
    psf = unblur.read_psf("shake:21,seed=5")
    blurred, sharp = camera.photograph(photograph("lighthouse", quick=quick), psf, torch.Generator().manual_seed(2))

    pictures = {
        "photograph": blurred,
        "richardson-lucy": unblur.restore(blurred, psf, method="richardson-lucy"),
        "universal": unblur.restore(blurred, psf),
    }

    found = {name: decibels(picture, sharp) for name, picture in pictures.items()}
    panels = [Panel(f"{name}: {found[name]:.1f} dB", picture) for name, picture in pictures.items()]
    panels[0] = panels[0]._replace(psf=psf)
    sheet([*panels, Panel("the truth", sharp)], folder / "camera-shake.webp")
    return found


if __name__ == "__main__":
    run(main)
