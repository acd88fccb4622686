"""The PSF out of the photograph itself: a star above the city shows what the shaking hand did.

    python examples/psf_from_a_star.py [-o FOLDER] [--quick]

The star was put into the scene, as a point of light, before the scene was blurred; the measurement knows nothing of it.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

import unblur
from panels import Panel, decibels, photograph, run, sheet
from unblur.measurement import point_in_file


def main(folder: Path, *, quick: bool = False) -> dict[str, float]:
    """Draw ``psf-from-a-star.webp``: the photograph, restored with the PSF measured in it and with the true one.

    Returns:
        PSNR in dB, and how alike the measured and the true PSF are (normalised correlation).
    """
    night = photograph("night", quick=False)
    star = (30, 280)
    if quick:
        night, star = night[..., :100, 190:], (30, 90)
    night[..., star[0], star[1]] = 1
    camera = unblur.Camera(lights=5, noise=0.002, peak=8000, transfer="linear", eight_bit=True)
    true = unblur.read_psf("shake:15,seed=8")
    blurred, sharp = camera.photograph(night, true, torch.Generator().manual_seed(6))

    with TemporaryDirectory() as name:
        photo = Path(name, "night.png")
        Image.fromarray((blurred[0] * 255).round().byte().permute(1, 2, 0).numpy()).save(photo)
        rim = true.shape[0] // 2  # a valid blur is smaller by the PSF
        measured = point_in_file(photo, star[1] - rim, star[0] - rim).psf
        restored = unblur.restore(np.array(Image.open(photo)), measured)
    from_measured = torch.from_numpy(restored).permute(2, 0, 1)[None].float() / 255
    from_true = unblur.restore(blurred, true)

    found = {
        "photograph": decibels(blurred, sharp),
        "with the measured PSF": decibels(from_measured, sharp),
        "with the true PSF": decibels(from_true, sharp),
    }
    panels = [
        Panel(f"photograph: {found['photograph']:.1f} dB", blurred),
        Panel("the truth", sharp),
        Panel(f"with the measured PSF: {found['with the measured PSF']:.1f} dB", from_measured, measured),
        Panel(f"with the true PSF: {found['with the true PSF']:.1f} dB", from_true, true),
    ]
    sheet(panels, folder / "psf-from-a-star.webp")
    return {**found, "likeness of the PSFs": likeness(measured, true)}


def likeness(one: torch.Tensor, other: torch.Tensor) -> float:
    """Largest normalised correlation of two PSFs over all shifts; 1 is the same shape."""
    side = one.shape[0] + other.shape[0]
    spectra = [torch.fft.rfft2(psf.double(), s=(side, side)) for psf in (one, other)]
    correlation = torch.fft.irfft2(spectra[0] * spectra[1].conj(), s=(side, side))
    return float(correlation.max() / (one.double().norm() * other.double().norm()))


if __name__ == "__main__":
    run(main)
