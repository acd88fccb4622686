"""A rolling shutter: rows are exposed one after the other, and the hand moved differently for each.

    python examples/rolling_shutter.py [-o FOLDER] [--quick]

No single PSF describes such a photograph. A table of PSFs does, one for each of several heights; between two of them
the PSF is mixed.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

import unblur
from panels import Panel, decibels, photograph, run, sheet
from unblur.colour import decode_srgb, encode_srgb
from unblur.degrade.blur import valid_blur, valid_frame

SIDE = 15
"""Side in pixels that holds every PSF of the photograph."""


def main(folder: Path, *, quick: bool = False) -> dict[str, float]:
    """Draw ``rolling-shutter.webp``: the photograph, restored with one PSF and with a table, the truth; PSNR in dB."""
    rows = 3 if quick else 7
    scene = photograph("houses", quick=quick)
    sharp = valid_frame(scene, psf_at(0))
    blurred = rolled(scene, torch.Generator().manual_seed(8))

    with TemporaryDirectory() as name:
        table = Path(name, "rolling.toml")
        table.write_text(f"grid = {[[spec_at(row / (rows - 1))] for row in range(rows)]}\n", encoding="utf-8")
        with_table = unblur.restore(blurred, table)

    pictures = {
        "photograph": blurred,
        "one PSF, of the middle": unblur.restore(blurred, psf_at(0.5)),
        f"a table of {rows} PSFs": with_table,
    }
    found = {name: decibels(picture, sharp) for name, picture in pictures.items()}
    panels = [Panel(f"{name}: {found[name]:.1f} dB", picture) for name, picture in pictures.items()]
    panels[0] = panels[0]._replace(psf=torch.cat([psf_at(share) for share in (0, 0.5, 1)]))
    sheet([*panels, Panel("the truth", sharp)], folder / "rolling-shutter.webp")
    return found


def spec_at(share: float) -> str:
    """The PSF at a height, 0 at the top, 1 at the bottom: the motion grows longer and turns."""
    return f"motion:{5 + 7 * share:.4g},{10 + 70 * share:.4g}"


def psf_at(share: float) -> Tensor:
    """The same as an array ``(SIDE, SIDE)``."""
    psf = unblur.read_psf(spec_at(share))
    tall, wide = ((SIDE - side) // 2 for side in psf.shape)
    return torch.nn.functional.pad(psf, (wide, wide, tall, tall))


def rolled(scene: Tensor, generator: torch.Generator) -> Tensor:
    """The photograph: every row is blurred by the PSF of its own moment."""
    light = decode_srgb(scene)
    height = scene.shape[-2] - SIDE + 1
    rows = [valid_blur(light[..., row : row + SIDE, :], psf_at(row / (height - 1))) for row in range(height)]
    blurred = torch.cat(rows, dim=-2)
    noise = 0.003 * torch.randn(blurred.shape, generator=generator)
    return encode_srgb((blurred + noise).clamp(0, 1))


if __name__ == "__main__":
    run(main)
