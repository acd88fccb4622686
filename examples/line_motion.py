"""Motorcycles that stood still before a camera that did not: a straight motion.

python examples/line_motion.py [-o FOLDER] [--quick]
"""

from pathlib import Path

import torch

import unblur
from panels import Panel, decibels, photograph, run, sheet


def main(folder: Path, *, quick: bool = False) -> dict[str, float]:
    """Draw ``line-motion.webp``: the photograph and what becomes of it; PSNR in dB of both."""
    camera = unblur.Camera(noise=0.003, peak=4000, jpeg=90, transfer="linear", real_jpeg=True)
    psf = unblur.read_psf("motion:15,25")
    blurred, sharp = camera.photograph(photograph("motorcycles", quick=quick), psf, torch.Generator().manual_seed(3))

    restored = unblur.restore(blurred, psf="motion:15,25")

    found = {"photograph": decibels(blurred, sharp), "restored": decibels(restored, sharp)}
    panels = [
        Panel(f"photograph: {found['photograph']:.1f} dB", blurred, psf),
        Panel(f"restored: {found['restored']:.1f} dB", restored),
    ]
    sheet(panels, folder / "line-motion.webp")
    return found


if __name__ == "__main__":
    run(main)
