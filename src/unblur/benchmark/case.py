"""One photograph to blur and to restore: how the pair of a blurred and a sharp picture is made."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unblur.colour import decode_srgb, luma
from unblur.degrade.blur import valid_frame
from unblur.degrade.camera import Camera
from unblur.degrade.clip import saturating_gain
from unblur.io.arrays import planes_of_array
from unblur.io.psf import read_psf
from unblur.io.read import read_picture
from unblur.tensors import Image, Psf

SIDE = 384
"""Side in pixels of the blurred pictures of the suites, cut from the middle of the photograph."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One photograph to blur and to restore, under one PSF and one camera."""

    suite: str
    column: str
    """The column of the table in which it is averaged."""
    photo: Path
    psf: str
    """As the grammar or a file's path."""
    camera: Camera
    saturated: bool = False
    """Expose by ``min(2, the gain at which 3.5 % of the target reaches white)`` instead of the camera's gain."""
    number: int = 0
    """Within the suite; seeds the noise."""
    grey: bool = True
    """Whether the photograph is turned into luma (Rec. 601) first."""
    side: int | None = SIDE
    """Largest side of the blurred picture in pixels, cut from the middle; None keeps all there is."""

    @property
    def name(self) -> str:
        """Suite, column and photograph (with its folder's name), unique within a folder of results."""
        return f"{self.suite}/{self.column}/{self.photo.resolve().parent.name}/{self.photo.name}"

    def conditions(self) -> dict[str, Any]:
        """All that decides what the pair looks like, as plain values; the photograph by its name."""
        return {
            "psf": self.psf,
            "camera": asdict(self.camera),
            "saturated": self.saturated,
            "seed": self.number,
            "grey": self.grey,
            "side": self.side,
        }


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A case carried out."""

    blurred: Image
    sharp: Image
    """``clip(a · x)`` in the frame of the blurred picture: what a perfect restoration shows."""
    psf: Psf = field(repr=False)
    gain: float
    """The exposure that was used."""


def pair_of(case: Case) -> Pair:
    """Read a case's photograph and take its blurred picture.

    The sharp picture is cut around its middle to the wanted frame and half a PSF more on each side, so that the
    blurred one is a valid convolution without any border. A smaller photograph gives a smaller frame.

    Raises:
        ImageError: the photograph cannot be read.
        PsfError: the PSF is unusable, or larger than the photograph.
    """
    psf = read_psf(case.psf)
    picture = stored_values(case.photo)
    sharp = _middle(luma(picture) if case.grey else picture, psf, case.side)
    camera = case.camera
    if case.saturated:
        frame = valid_frame(sharp, psf)
        light = decode_srgb(frame) if camera.transfer == "linear" and camera.encoding == "srgb" else frame
        camera = replace(camera, gain=float(saturating_gain(light)[0]))
    generator = torch.Generator().manual_seed(case.number)
    blurred, target = camera.photograph(sharp, psf, generator)
    return Pair(blurred=blurred, sharp=target, psf=psf, gain=float(camera.gain))


def stored_values(photo: Path) -> Image:
    """A photograph's values as they are stored, ``(1, C, H, W)`` in float32 with 1 = white.

    Raises:
        ImageError: it cannot be read.
    """
    pixels = read_picture(photo).pixels
    white = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    return planes_of_array(pixels.astype(np.float32) / white)


def _middle(image: Tensor, psf: Psf, side: int | None) -> Tensor:
    """Cut what a valid blur turns into at most ``side`` x ``side`` pixels, from the middle."""
    if side is None:
        return image
    for dim, around in zip((-2, -1), psf.shape, strict=True):
        wanted = min(side + around - 1, image.shape[dim])
        image = image.narrow(dim, (image.shape[dim] - wanted) // 2, wanted)
    return image
