"""What the scenes of the gallery share: their photographs, their sheets of labelled panels, and their two options."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

import unblur

PHOTOGRAPHS = Path(__file__).parent / "photographs"
_GAP, _LABEL = 8, 24
_GROUND, _TEXT = (24, 25, 28), (214, 216, 222)
_FONT_SIZE = 14
_ENLARGED = 4
"""How many times larger than the photograph a PSF is drawn into the corner of its panel."""


class Panel(NamedTuple):
    """One picture of a sheet."""

    label: str
    image: Tensor
    """``(1, 1|3, H, W)`` stored values, 1 = white."""
    psf: Tensor | None = None
    """Drawn into the lower right corner, four times as large, its peak white."""


def photograph(name: str, *, quick: bool) -> Tensor:
    """A sharp photograph that comes with the examples, ``(1, 3, H, W)`` in [0, 1]; if ``quick``, only its middle."""
    with Image.open(PHOTOGRAPHS / f"{name}.jpg") as opened:
        image = torch.from_numpy(np.array(opened)).permute(2, 0, 1)[None].float() / 255
    return middle(image, 112, 128) if quick else image


def middle(image: Tensor, height: int, width: int) -> Tensor:
    """The central ``height`` x ``width`` pixels of ``(B, C, H, W)``."""
    top, left = (image.shape[-2] - height) // 2, (image.shape[-1] - width) // 2
    return image[..., top : top + height, left : left + width]


def decibels(restored: Tensor, sharp: Tensor) -> float:
    """PSNR of ``(1, C, H, W)``, borders included."""
    return float(unblur.psnr(restored, sharp)[0])


def sheet(panels: list[Panel], path: Path, *, columns: int = 2) -> None:
    """Draw panels of one size, pixel for pixel and labelled, as WebP.

    Args:
        panels: in reading order.
        path: ends in ``.webp``; its folder is made, an existing file replaced.
        columns: panels in a row.
    """
    height, width = panels[0].image.shape[-2:]
    rows = -(-len(panels) // columns)
    size = (columns * (width + _GAP) - _GAP, rows * (height + _LABEL + _GAP) - _GAP)
    drawn = Image.new("RGB", size, _GROUND)
    draw = ImageDraw.Draw(drawn)
    font = ImageFont.load_default(_FONT_SIZE)
    for number, panel in enumerate(panels):
        left, top = number % columns * (width + _GAP), number // columns * (height + _LABEL + _GAP)
        draw.text((left + 4, top + _LABEL // 2), panel.label, fill=_TEXT, font=font, anchor="lm")
        drawn.paste(_screen(panel.image), (left, top + _LABEL))
        if panel.psf is not None:
            inset = _enlarged(panel.psf)
            corner = (left + width - inset.width - 4, top + _LABEL + height - inset.height - 4)
            drawn.paste(inset, corner)
            frame = (corner[0] - 1, corner[1] - 1, corner[0] + inset.width, corner[1] + inset.height)
            draw.rectangle(frame, outline=_TEXT)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn.save(path, quality=74, method=6)


def run(scene: Callable[..., Mapping[str, float]]) -> None:
    """Make one scene from the command line: ``-o FOLDER`` and ``--quick``."""
    parser = argparse.ArgumentParser(description=(scene.__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("demo"), help="folder of the picture [demo]")
    parser.add_argument("--quick", action="store_true", help="a small picture, to see that it runs")
    asked = parser.parse_args()
    for label, number in scene(asked.output, quick=asked.quick).items():
        sys.stdout.write(f"{label:<32}{number:8.2f}\n")


def _screen(image: Tensor) -> Image.Image:
    pixels = (image[0].detach().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(np.ascontiguousarray(pixels.repeat(3, axis=2) if pixels.shape[2] == 1 else pixels))


def _enlarged(psf: Tensor) -> Image.Image:
    """A PSF as a grey picture, its peak white."""
    values = (psf.detach().clamp_min(0) / psf.max() * 255).round().byte().numpy()
    return Image.fromarray(values.repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1)).convert("RGB")
