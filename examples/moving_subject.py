"""A bus passes sharp houses: only the bus is blurred, and only the bus may be restored.

    python examples/moving_subject.py [-o FOLDER] [--quick]

The bus (a poster on its side) moved by 15 pixels while the shutter was open; the houses stood still.
"""

from pathlib import Path

import torch
from torch import Tensor

import unblur
from panels import Panel, decibels, photograph, run, sheet
from unblur.colour import decode_srgb, encode_srgb
from unblur.degrade.blur import valid_blur, valid_frame

MOVED = "motion:15,0"


def main(folder: Path, *, quick: bool = False) -> dict[str, float]:
    """Draw ``moving-subject.webp``: the photograph, all of it restored, the bus alone, the truth; PSNR in dB."""
    houses, poster = photograph("houses", quick=quick), photograph("motorcycles", quick=quick)
    there = torch.zeros_like(houses[:, :1])
    height, width = houses.shape[-2:]
    bus = (..., slice(height // 3, height), slice(width // 8, width - width // 8))
    there[bus] = 1
    psf = unblur.read_psf(MOVED)
    # Where the bus is seen during a part of the exposure only, the houses shine through for the rest of it.
    light = valid_blur(there * decode_srgb(poster), psf) + (1 - valid_blur(there, psf)) * valid_frame(
        decode_srgb(houses), psf
    )
    light = light + 0.003 * torch.randn(light.shape, generator=torch.Generator().manual_seed(7))
    blurred = encode_srgb(light.clamp(0, 1))
    sharp = valid_frame(torch.where(there > 0, poster, houses), psf)

    everything = unblur.restore(blurred, psf)
    always_seen = (valid_blur(there, psf) > 0.999).float()  # what a person would paint: white on the bus, black else
    bus_alone = pasted(blurred, unblur.restore(blurred, psf, weight=always_seen), valid_frame(there, psf))

    pictures = {"photograph": blurred, "all of it restored": everything, "the bus alone": bus_alone}
    found = {name: decibels(picture, sharp) for name, picture in pictures.items()}
    panels = [Panel(f"{name}: {found[name]:.1f} dB", picture) for name, picture in pictures.items()]
    panels[0] = panels[0]._replace(psf=psf)
    sheet([*panels, Panel("the truth", sharp)], folder / "moving-subject.webp")
    return found


def pasted(ground: Tensor, patch: Tensor, mask: Tensor) -> Tensor:
    """``patch`` where the mask is 1, ``ground`` where it is 0, mixed over the 3 pixels between."""
    soft = torch.nn.functional.avg_pool2d(mask, 3, stride=1, padding=1, count_include_pad=False)
    return soft * patch + (1 - soft) * ground


if __name__ == "__main__":
    run(main)
