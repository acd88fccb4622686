"""A PSF out of a blurred photograph's file without any point or edge: the part with most to see, estimated."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor

from unblur.blind.cleanup import spread
from unblur.blind.doubt import is_sharp, refuse_empty, refuse_small
from unblur.blind.natural import Restore
from unblur.blind.shake import ShakeSettings, estimated_shake
from unblur.blind.shapes import estimated_shape
from unblur.colour import SRGB, luma
from unblur.errors import ConfigError
from unblur.io.arrays import check_range, planes_of_array
from unblur.io.picture import Picture
from unblur.io.read import read_picture
from unblur.methods import METHODS
from unblur.plan import light_of
from unblur.psf.measured import WHITE
from unblur.psf.parametric import Number, delta
from unblur.psf.parse import parse_psf
from unblur.residual import Residual, residual
from unblur.tensors import Encoding, Image, Psf, Report, Transfer

Kind = Literal["shake", "disk", "motion"]
Box = tuple[int, int, int, int]
"""Columns and rows: left, top, right, bottom; the last two are the first ones outside."""

SIDE = 512
"""Pixels a side of the part that is looked at, unless the PSF is so large that it needs more."""
PSFS = 12
"""A part is at least so many PSFs wide."""
SHARP = 0.75
"""Spread of a PSF in pixels, up to which a photograph counts as sharp."""
UNSURE = 0.75
"""Agreement below which a shake is doubted: most right ones for validation were above, some wrong ones too."""
NATURAL = 0.1
"""Naturalness below which a disk or line is doubted: disks for validation had 0.2 at least."""
_COARSE = 8
"""Pixels a side of the squares in which the part is looked for."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What was found, and how far it can be trusted."""

    psf: Psf
    spec: str | None
    """The shape as the grammar writes it; None for a shake, which has no formula."""
    box: Box
    """The part of the upright photograph that was looked at."""
    spread: float
    """Root mean square distance of the PSF's light from its centroid, in pixels."""
    agreement: float | None
    """Of a shake: similarity of two estimates, from more and from fewer edges, at most 1."""
    naturalness: float | None
    """Of a disk or line: how much more natural the restoration looks than one without blur; above 0 if it does."""
    rival: str | None
    """Of a disk or line: quite another size that does nearly as well."""
    residual: Residual | None
    """What the PSF leaves unexplained; None where the part is too small to tell."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Reasons to look twice."""
        found = []
        if self.spread < SHARP:
            found.append(f"it hardly looks blurred: light strays by {self.spread:.2f} px only; leave it as it is")
        if self.agreement is not None and self.agreement < UNSURE:
            found.append(
                f"another estimate is like this one to {self.agreement:.2f} only, right ones are to {UNSURE:g}; "
                "look at the restored picture before you trust it"
            )
        if self.naturalness is not None and self.naturalness < NATURAL:
            found.append(
                f"restored with it it looks hardly more natural than without ({self.naturalness:.2f}, expected "
                f"{NATURAL:g} at least); look at the restored picture before you trust it"
            )
        if self.rival is not None:
            found.append(f"{self.rival} explains the picture nearly as well; compare both restored pictures")
        if self.residual is not None and not self.residual.explained:
            found.append(str(self.residual))
        return tuple(found)


def psf_of_file(
    photo: str | Path,
    size: int,
    *,
    kind: Kind = "shake",
    box: Box | None = None,
    white: Number = WHITE,
    encoding: Encoding | None = None,
    transfer: Transfer = "linear",
    anyway: bool = False,
    report: Report | None = None,
) -> Estimate:
    """Estimate the PSF of a photograph that is blurred alike all over.

    A photograph that is sharp already gets the PSF of a single pixel, and a warning.

    Args:
        photo: a picture's file.
        size: side in pixels of the PSF, odd; for ``disk`` and ``motion`` of the largest that is tried.
        kind: what blurred it: a shaking camera, a lens out of focus, or a straight motion.
        box: the part to look at; None takes the one with the strongest edges, up to 512 pixels or 12 PSFs a side.
        white: light from which a pixel counts as clipped.
        encoding: what the numbers are; None takes what the file says.
        transfer: the light in which the blur holds.
        anyway: give a shake's PSF even if two estimates of it differ.
        report: told the share of the work done; may raise ``Cancelled``.

    Raises:
        ImageError: the file cannot be read, the part is too small, or nothing in it stands out of the noise.
        PsfError: a size that cannot be, or no PSF that can be trusted.
        ConfigError: the box does not lie in the photograph.
    """
    picture = read_picture(photo)
    refuse_small(picture.size, size)
    through_light = (encoding or picture.encoding) == "srgb" and transfer == "linear"
    part = _checked(box, picture) if box is not None else _part(picture, max(SIDE, PSFS * size))
    left, top, right, bottom = part
    planes = planes_of_array(np.array(picture.pixels[top:bottom, left:right]))
    check_range(planes)
    light = light_of(planes, through_light=through_light, curve=picture.curve if encoding is None else SRGB)
    # A sensor's colours clip one after the other, and demosaicing spreads that to the neighbours.
    clipped = F.max_pool2d((light >= white).any(dim=1, keepdim=True).to(light), 3, stride=1, padding=1)
    plane = luma(light)
    spec, agreement, naturalness, rival = None, None, None, None
    refuse_empty(plane, weight=1 - clipped)
    if is_sharp(plane):
        spec, psf = "delta", delta()
    elif kind == "shake":
        settings = ShakeSettings(least_agreement=0) if anyway else ShakeSettings()
        shake = estimated_shake(
            plane, size, weight=torch.ones_like(clipped), clipped=clipped, settings=settings, report=report
        )
        psf, agreement = shake.psf, shake.agreement
    else:
        shape = estimated_shape(plane, size, kind=kind, weight=1 - clipped, restore=restore_by_default(), report=report)
        spec, naturalness, rival = shape.spec, shape.naturalness, shape.rival
        psf = parse_psf(spec)
    return Estimate(
        psf=psf,
        spec=spec,
        box=part,
        spread=spread(psf),
        agreement=agreement,
        naturalness=naturalness,
        rival=rival,
        residual=residual(light, psf),
    )


def restore_by_default() -> Restore:
    """The universal network on the processor, as a judge of sizes wants it; weights are read at the first picture."""
    method = METHODS["universal"]
    deconvolve = method.build(torch.device("cpu"), method.settings())
    return lambda blurred, psf, weight: deconvolve(blurred, psf, weight=weight)


def _checked(box: Box, picture: Picture) -> Box:
    left, top, right, bottom = box
    height, width = picture.size
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise ConfigError(
            f"the part {left},{top},{right},{bottom} does not lie in the photograph of {width} x {height}; "
            "give left,top,right,bottom in pixels"
        )
    return box


def _part(picture: Picture, side: int) -> Box:
    """The part of at most ``side`` x ``side`` pixels that holds the strongest edges, clipped places not counted."""
    height, width = picture.size
    tall, wide = min(side, height), min(side, width)
    if (tall, wide) == (height, width):
        return 0, 0, width, height
    edges = _edges(picture)
    windows = (max(1, min(tall // _COARSE, edges.shape[-2])), max(1, min(wide // _COARSE, edges.shape[-1])))
    held = F.avg_pool2d(edges, windows, stride=1)[0, 0]
    row, column = divmod(int(held.argmax()), held.shape[1])
    top, left = min(row * _COARSE, height - tall), min(column * _COARSE, width - wide)
    return left, top, left + wide, top + tall


def _edges(picture: Picture) -> Image:
    """How much neighbouring squares differ, ``(1, 1, H // 8, W // 8)``; 0 where one is clipped.

    Only every second pixel is taken, which is enough for means and saves memory.
    """
    planes = planes_of_array(np.array(picture.pixels[::2, ::2]))
    means = luma(F.avg_pool2d(light_of(planes, through_light=False), _COARSE // 2))
    dy = F.pad(means.diff(dim=-2), (0, 0, 0, 1))
    dx = F.pad(means.diff(dim=-1), (0, 1, 0, 0))
    return _unclipped(torch.hypot(dx, dy), means)


def _unclipped(edges: Tensor, means: Tensor) -> Image:
    bright = F.max_pool2d(means, 3, stride=1, padding=1) > WHITE
    return torch.where(bright, 0, edges)
