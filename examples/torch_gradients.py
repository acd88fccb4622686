"""Learn the PSF of a lens by gradients: photograph a target that is known, restore it, compare, improve the PSF.

    python examples/torch_gradients.py [-o FOLDER] [--quick]

``Deblur`` is a module of PyTorch: the error of the restored picture reaches the PSF. What was learned on one photograph
then restores another one of the same lens.
"""

from pathlib import Path

import torch
from torch import Tensor

import unblur
from panels import Panel, decibels, photograph, run, sheet
from unblur.interop.module import Deblur

SIDE = 11
"""Side in pixels of the PSF that is learned; odd."""


def main(folder: Path, *, quick: bool = False) -> dict[str, float]:
    """Draw ``torch-gradients.webp``: another photograph of the lens, restored with the guess, learned and true PSF.

    Returns:
        PSNR in dB, and the sum of absolute differences of the guessed and the learned PSF to the true one.
    """
    camera = unblur.Camera(noise=0.005)
    lens = unblur.read_psf("gauss:2.4,0.8,30")
    generator = torch.Generator().manual_seed(10)
    target, known = camera.photograph(photograph("motorcycles", quick=quick), lens, generator)
    other, sharp = camera.photograph(photograph("parrot", quick=quick), lens, generator)
    guess = framed(unblur.read_psf("gauss:1.6"))

    learned = learned_psf(target, known, guess, steps=30 if quick else 200)

    with torch.no_grad():
        deblur = Deblur("wiener")
        pictures = {
            name: deblur(other, psf) for name, psf in (("guessed", guess), ("learned", learned), ("true", lens))
        }
    found = {"photograph": decibels(other, sharp)}
    found |= {f"with the {name} PSF": decibels(picture, sharp) for name, picture in pictures.items()}
    panels = [Panel(f"photograph: {found['photograph']:.1f} dB", other)]
    for (name, picture), psf in zip(pictures.items(), (guess, learned, framed(lens)), strict=True):
        panels.append(Panel(f"with the {name} PSF: {found[f'with the {name} PSF']:.1f} dB", picture, psf))
    sheet(panels, folder / "torch-gradients.webp")
    misses = {name: float((psf - framed(lens)).abs().sum()) for name, psf in (("guess", guess), ("learned", learned))}
    return found | {f"the {name} PSF misses": miss for name, miss in misses.items()}


def learned_psf(blurred: Tensor, sharp: Tensor, guess: Tensor, *, steps: int) -> Tensor:
    """The PSF ``(SIDE, SIDE)`` with which a blurred photograph is restored best; Adam on its logarithm."""
    deblur = Deblur("wiener")
    logits = (guess + 1e-4).log().requires_grad_()
    adam = torch.optim.Adam([logits], lr=0.1)
    for _ in range(steps):
        adam.zero_grad()
        psf = logits.flatten().softmax(dim=0).reshape(SIDE, SIDE)  # not negative, sum 1
        error = (deblur(blurred, psf) - sharp).square().mean()
        error.backward()
        adam.step()
    return logits.detach().flatten().softmax(dim=0).reshape(SIDE, SIDE)


def framed(psf: Tensor) -> Tensor:
    """A PSF in ``(SIDE, SIDE)``, cut or filled with zeros around its middle, sum 1."""
    tall, wide = ((SIDE - side) // 2 for side in psf.shape)
    cut = torch.nn.functional.pad(psf, (wide, wide, tall, tall))  # a negative padding cuts
    return cut / cut.sum()


if __name__ == "__main__":
    run(main)
