"""The same call as in scikit-image, beside scikit-image's own Richardson-Lucy.

    python examples/scikit_image_style.py [-o FOLDER] [--quick]

Needs scikit-image (``pip install scikit-image``). Both get the same array and the same PSF; the blur acted on the
numbers of the array, as scikit-image assumes. Most of the difference lies at the rim: scikit-image takes what is beyond
the picture for black, so the inner part is measured by itself as well.
"""

from pathlib import Path

import numpy as np
import torch
from skimage import restoration

import unblur
from panels import Panel, decibels, photograph, run, sheet
from unblur.interop.scikit_image import deconvolve


def main(folder: Path, *, quick: bool = False) -> dict[str, float]:
    """Draw ``scikit-image-style.webp``: the array, scikit-image's Richardson-Lucy, ours, the truth; PSNR in dB.

    Of each once more without the rim, two PSFs wide.
    """
    camera = unblur.Camera(noise=0.01)
    psf = np.asarray(unblur.read_psf("gauss:3,1.2,40"))
    grey = photograph("parrot", quick=quick).mean(dim=1, keepdim=True)
    taken, sharp = camera.photograph(grey, torch.from_numpy(psf), torch.Generator().manual_seed(9))
    blurred = taken[0, 0].numpy()  # (H, W), 1 = white

    theirs = restoration.richardson_lucy(blurred, psf, num_iter=30)  # type: ignore[no-untyped-call]
    ours = deconvolve(blurred, psf)

    arrays = {"photograph": blurred, "skimage richardson_lucy": theirs, "unblur deconvolve": ours}
    pictures = {name: torch.from_numpy(array)[None, None] for name, array in arrays.items()}
    found = {name: decibels(picture, sharp) for name, picture in pictures.items()}
    rim = 2 * max(psf.shape)
    inner = {name: float(unblur.psnr(picture, sharp, crop=rim)[0]) for name, picture in pictures.items()}
    panels = [
        Panel(f"{name}: {found[name]:.1f} dB, inner {inner[name]:.1f} dB", picture)
        for name, picture in pictures.items()
    ]
    panels[0] = panels[0]._replace(psf=torch.from_numpy(psf))
    sheet([*panels, Panel("the truth", sharp)], folder / "scikit-image-style.webp")
    return found | {f"{name}, inner": number for name, number in inner.items()}


if __name__ == "__main__":
    run(main)
