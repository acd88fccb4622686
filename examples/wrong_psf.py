"""The same photograph, restored with the right PSF and with wrong ones: learn to see which way it is wrong.

    python examples/wrong_psf.py [-o FOLDER] [--quick]

Works on a file, as ``unblur restore`` does, because the warning about a PSF that explains nothing comes with it.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

import unblur
from panels import Panel, decibels, photograph, run, sheet


def main(folder: Path, *, quick: bool = False) -> dict[str, float]:
    """Draw ``wrong-psf.webp``: the photograph, and restored as too little, right, and too much blur; PSNR in dB."""
    camera = unblur.Camera(noise=0.003, peak=4000, transfer="linear", eight_bit=True)
    true = unblur.read_psf("disk:5")
    blurred, sharp = camera.photograph(photograph("houses", quick=quick), true, torch.Generator().manual_seed(5))
    found = {"photograph": decibels(blurred, sharp)}
    panels = [Panel(f"photograph, disk:5: {found['photograph']:.1f} dB", blurred, true)]
    with TemporaryDirectory() as name:
        photo, output = Path(name, "photo.png"), Path(name, "restored.png")
        pixels = (blurred[0] * 255).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(photo)
        for psf in ("disk:3.5", "disk:5", "disk:6.5"):
            outcome = unblur.restore_file(photo, output, psf=psf, overwrite=True)
            with Image.open(output) as opened:
                restored = torch.from_numpy(np.array(opened)).permute(2, 0, 1)[None].float() / 255
            found[psf] = decibels(restored, sharp)
            warned = ", warned" if outcome.warnings else ""
            panels.append(Panel(f"restored as {psf}{warned}: {found[psf]:.1f} dB", restored, unblur.read_psf(psf)))
    sheet(panels, folder / "wrong-psf.webp")
    return found


if __name__ == "__main__":
    run(main)
