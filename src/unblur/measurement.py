"""A PSF out of a photograph's file: the part around a point or an edge, as linear light, measured."""

from pathlib import Path

import numpy as np

from unblur.colour import SRGB
from unblur.io.arrays import check_range, planes_of_array
from unblur.io.picture import Picture
from unblur.io.read import read_picture
from unblur.plan import light_of
from unblur.psf.edge import Edge, measured_edge
from unblur.psf.measured import REACH, WHITE, PointLight, measured_point, refuse_outside
from unblur.psf.parametric import Number
from unblur.tensors import Encoding, Image

Box = tuple[Number, Number, Number, Number]
"""Two opposite corners: x0, y0, x1, y1."""


def point_in_file(
    photo: str | Path,
    x: Number,
    y: Number,
    *,
    size: int | None = None,
    white: float = WHITE,
    alone: bool = False,
    encoding: Encoding | None = None,
) -> PointLight:
    """Measure the PSF at a point of light in a photograph; see :func:`unblur.psf.measured.measured_point`.

    Args:
        photo: a picture's file; its light is decoded through its colour profile.
        x: column of the light in the upright picture; 0 is the centre of the leftmost pixel.
        y: row of the light; 0 is the centre of the topmost pixel.
        size: side of the PSF, odd; None takes the smallest that holds the light.
        white: linear light from which a channel counts as clipped.
        alone: the light is known to be a single one; its print is not searched for two that overlap.
        encoding: what the numbers are; None takes what the file says.

    Raises:
        ImageError: the file cannot be read.
        PsfError: there is no PSF to be had at this point.
    """
    return point_in_picture(read_picture(photo), x, y, size=size, white=white, alone=alone, encoding=encoding)


def point_in_picture(
    picture: Picture,
    x: Number,
    y: Number,
    *,
    size: int | None = None,
    white: float = WHITE,
    alone: bool = False,
    encoding: Encoding | None = None,
) -> PointLight:
    """The same as :func:`point_in_file` in a picture that is read already."""
    refuse_outside(x, y, picture.size[1], picture.size[0])
    reach = REACH + 1  # one more than is looked at, so that only the picture's own border counts as one
    left, top = max(0, round(x) - reach), max(0, round(y) - reach)
    light = _light(picture, (left, top, round(x) + reach + 1, round(y) + reach + 1), encoding)
    return measured_point(light, x - left, y - top, size=size, white=white, alone=alone, corner=(left, top))


def edge_in_file(photo: str | Path, box: Box, *, white: float = WHITE, encoding: Encoding | None = None) -> Edge:
    """Measure the blur of the edge in a box of a photograph; see :func:`unblur.psf.edge.measured_edge`.

    Args:
        photo: a picture's file; its light is decoded through its colour profile.
        box: two opposite corners in pixels of the upright picture, both inside.
        white: linear light from which a channel counts as clipped.
        encoding: what the numbers are; None takes what the file says.

    Raises:
        ImageError: the file cannot be read.
        PsfError: the box lies outside the picture or holds no edge that can be measured.
    """
    return edge_in_picture(read_picture(photo), box, white=white, encoding=encoding)


def edge_in_picture(picture: Picture, box: Box, *, white: float = WHITE, encoding: Encoding | None = None) -> Edge:
    """The same as :func:`edge_in_file` in a picture that is read already."""
    for x, y in (box[:2], box[2:]):
        refuse_outside(x, y, picture.size[1], picture.size[0])
    (left, right), (top, bottom) = (sorted((round(box[k]), round(box[k + 2]))) for k in (0, 1))
    return measured_edge(_light(picture, (left, top, right + 1, bottom + 1), encoding), white=white)


def _light(picture: Picture, box: tuple[int, int, int, int], encoding: Encoding | None) -> Image:
    """Part of a picture as linear light."""
    left, top, right, bottom = box
    planes = planes_of_array(np.array(picture.pixels[top:bottom, left:right]))
    check_range(planes)
    curve = picture.curve if encoding is None else SRGB
    return light_of(planes, through_light=(encoding or picture.encoding) == "srgb", curve=curve)
