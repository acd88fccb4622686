"""One photograph to blur and to restore: how the pair of a blurred and a sharp picture is made."""

import cmath
import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor

from unblur.boundary import edge_tapered
from unblur.colour import decode_srgb, luma
from unblur.degrade.blur import valid_frame
from unblur.degrade.camera import Camera
from unblur.degrade.clip import saturating_gain
from unblur.io.arrays import planes_of_array
from unblur.io.psf import read_psf
from unblur.io.read import read_picture
from unblur.metrics import psf_crop
from unblur.psf.random import moved
from unblur.tensors import Image, Psf

SIDE = 384
"""Side in pixels of the blurred pictures of the suites, cut from the middle of the photograph."""
Frame = Literal["valid", "same"]


@dataclass(frozen=True, kw_only=True)
class Capture:
    """A blurred picture that a camera took of the same scene as the sharp one."""

    photo: Path
    down: int
    """Pixels by which it lies lower than the sharp picture."""
    right: int
    gain: float
    """How much brighter it is."""


@dataclass(frozen=True, kw_only=True)
class Misjudged:
    """How the PSF that methods are told differs from the true one."""

    psf: str | None = None
    """In place of the true one, as grammar."""
    turn: float = 0.0
    """Degrees, counter-clockwise as seen on the screen."""
    right: int = 0
    """Pixels by which it is moved; the whole restored picture then lies as far to the left, and is compared there."""


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
    frame: Frame = "valid"
    """What is kept of the blurred picture: the pixels whose light was wholly seen, ``valid``, or the photograph's whole
    size, ``same``, with the outermost pixels repeated beyond it and the edges tapered after the blur."""
    label: str = ""
    """What tells it from other cases of the same photograph in the same column."""
    crop: int | None = None
    """Pixels at each side that are not judged; None for half a PSF."""
    misjudged: Misjudged | None = None
    """What methods are told of the PSF; None for the truth."""
    capture: Capture | None = None
    """A real blurred picture in place of one by ``camera``, of which only the lights count then."""

    @property
    def name(self) -> str:
        """Suite, column, photograph (with its folder's name) and label, unique within a folder of results."""
        end = f"+{self.label}" if self.label else ""
        return f"{self.suite}/{self.column}/{self.photo.resolve().parent.name}/{self.photo.name}{end}"

    def conditions(self) -> dict[str, Any]:
        """All that decides what the pair looks like, as plain values; the photograph by its name."""
        return {
            "psf": self.psf,
            "camera": asdict(self.camera),
            "saturated": self.saturated,
            "seed": self.number,
            "grey": self.grey,
            "side": self.side,
            **self._unusual(),
        }

    def _unusual(self) -> dict[str, Any]:
        """What most cases do not have, and their rows do not tell."""
        told: dict[str, Any] = {}
        if self.frame != "valid":
            told["frame"] = self.frame
        if self.crop is not None:
            told["crop"] = self.crop
        if self.misjudged is not None:
            told["misjudged"] = asdict(self.misjudged)
        if self.capture is not None:
            told["capture"] = {**asdict(self.capture), "photo": self.capture.photo.name}
        return told

    def told_psf(self) -> Psf:
        """The PSF that methods are given.

        Raises:
            PsfError: it is unusable.
        """
        wrong = self.misjudged
        if wrong is None:
            return read_psf(self.psf)
        psf = read_psf(wrong.psf or self.psf)
        if wrong.turn:
            psf = moved(psf, cmath.rect(1, -math.radians(wrong.turn)), 0j).clamp_min(0)
            psf = psf / psf.sum()
        if wrong.right:
            by = abs(wrong.right)
            psf = torch.nn.functional.pad(psf, (by, by)).roll(wrong.right, dims=1)
        return psf


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A case carried out."""

    blurred: Image
    sharp: Image
    """``clip(a · x)`` in the frame of the blurred picture: what a perfect restoration shows."""
    psf: Psf = field(repr=False)
    """As methods are told."""
    gain: float
    """The exposure that was used."""
    crop: tuple[int, int]
    """Rows and columns at each side that are not judged."""


def pair_of(case: Case) -> Pair:
    """Read a case's photograph and take its blurred picture.

    The sharp picture is cut around its middle to the wanted frame and half a PSF more on each side, so that the
    blurred one is a valid convolution without any border. A smaller photograph gives a smaller frame.

    A case of ``frame="same"`` has no more than the frame. How published results of that kind made the scene beyond it
    is not known here; ours repeats the outermost pixels, the simplest choice that neither darkens the rim, as black
    would, nor makes the blur circular, which would leave nothing to taper. The taper comes after noise and clipping,
    with the PSF that methods are told, as it belongs to the restoration and not to the camera.

    Raises:
        ImageError: the photograph cannot be read.
        PsfError: the PSF is unusable, or larger than the photograph.
    """
    psf, told = read_psf(case.psf), case.told_psf()
    if case.capture is not None:
        return _captured(case, case.capture, told)
    picture = stored_values(case.photo)
    sharp = _scene(luma(picture) if case.grey else picture, psf, case)
    camera = case.camera
    if case.saturated:
        frame = valid_frame(sharp, psf)
        light = decode_srgb(frame) if camera.transfer == "linear" and camera.encoding == "srgb" else frame
        camera = replace(camera, gain=float(saturating_gain(light)[0]))
    generator = torch.Generator().manual_seed(case.number)
    blurred, target = camera.photograph(sharp, psf, generator)
    if case.frame == "same":
        blurred = edge_tapered(blurred, told)
    if case.misjudged is not None:
        target = target.roll(-case.misjudged.right, dims=-1)  # the crop covers the seam
    crop = psf_crop(told) if case.crop is None else (case.crop, case.crop)
    return Pair(blurred=blurred, sharp=target, psf=told, gain=float(camera.gain), crop=crop)


def _captured(case: Case, capture: Capture, psf: Psf) -> Pair:
    """A real blurred picture, and the sharp one brought to its place and brightness."""
    blurred, sharp = stored_values(capture.photo), stored_values(case.photo)
    target = (capture.gain * sharp).roll((capture.down, capture.right), dims=(-2, -1))
    rows, columns = psf_crop(psf)
    crop = (rows + abs(capture.down), columns + abs(capture.right))
    return Pair(blurred=blurred, sharp=target.clamp(0, 1), psf=psf, gain=capture.gain, crop=crop)


def stored_values(photo: Path) -> Image:
    """A photograph's values as they are stored, ``(1, C, H, W)`` in float32 with 1 = white.

    Raises:
        ImageError: it cannot be read.
    """
    pixels = read_picture(photo).pixels
    white = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    return planes_of_array(pixels.astype(np.float32) / white)


def _scene(image: Tensor, psf: Psf, case: Case) -> Tensor:
    """What a valid blur turns into the case's frame, of at most ``side`` x ``side`` pixels from the middle."""
    rows, columns = psf_crop(psf)
    if case.frame == "same":
        return F.pad(_middle(image, (0, 0), case.side), (columns, columns, rows, rows), mode="replicate")
    return _middle(image, (rows, columns), case.side)


def _middle(image: Tensor, around: tuple[int, int], side: int | None) -> Tensor:
    """Cut at most ``side`` x ``side`` pixels, and some rows and columns around them, from the middle."""
    if side is None:
        return image
    for dim, more in zip((-2, -1), around, strict=True):
        wanted = min(side + 2 * more, image.shape[dim])
        image = image.narrow(dim, (image.shape[dim] - wanted) // 2, wanted)
    return image
