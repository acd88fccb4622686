"""The PSF that a point of light printed into the photograph itself: a star, a lamp, a glint on chrome."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from unblur.errors import PsfError
from unblur.psf.accept import accept_psf
from unblur.psf.double import echo
from unblur.psf.parametric import Number
from unblur.psf.repair import repaired
from unblur.tensors import Image, Psf

WHITE = 0.98
"""Linear light from which a channel counts as clipped: 8-bit files and JPEG seldom hold white exactly."""
REACH = 256
"""Pixels around the point that are looked at; a larger light is refused."""
_NEAR = 4
"""Pixels by which a click may miss the light."""
_STANDS_OUT, _BELONGS = 8.0, 3.0
"""Multiples of the noise: what a light must reach somewhere, and what its outline is drawn at."""
_LOWEST_NOISE = 1e-4
"""Linear light; an 8-bit sRGB file has steps of 3e-4 in the dark."""
_OTHER = 0.03
"""Share of the light from which a second one in the same box spoils the PSF."""

Plane = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Mask = np.ndarray[tuple[int, int], np.dtype[np.bool_]]


@dataclass(frozen=True, kw_only=True)
class PointLight:
    """A measured PSF and how it came about."""

    psf: Psf
    """Its middle is the pixel nearest to the light's centroid; nothing is resampled."""
    x: float
    """Centroid, pixels from the centre of the leftmost column."""
    y: float
    """Centroid, pixels from the centre of the topmost row."""
    contrast: float
    """The brightest point above the background, in multiples of the noise."""
    repaired: int
    """Clipped pixels whose light was guessed from their neighbours."""
    cut: float
    """Share of the light outside an array of the size that was asked for."""


def measured_point(
    light: Image,
    x: Number,
    y: Number,
    *,
    size: int | None = None,
    white: float = WHITE,
    alone: bool = False,
    corner: tuple[int, int] = (0, 0),
) -> PointLight:
    """Cut the PSF out around a point of light.

    The background is a plane fitted robustly to a frame around the light. Channels are averaged by their brightness,
    each only where it is not clipped. Where all are clipped the logarithm of the light is continued with the least
    bending (the biharmonic equation, exact for Gaussian cores) and kept above white. Pixels that do not belong to the
    light are 0. A point of light has no known true place, so the array is centred on the centroid, by whole pixels:
    restored pictures are displaced by at most half a pixel.

    Args:
        light: ``(1, C, H, W)`` linear light with 1 = white; the whole picture or, around the point, :data:`REACH`
            pixels and more of it.
        x: column of the point, 0 is the centre of the leftmost pixel; it may miss the light by 4 pixels.
        y: row of the point, 0 is the centre of the topmost pixel.
        size: side of the PSF, odd; None takes the smallest that holds the light.
        white: from here on a channel counts as clipped; lower repairs more.
        alone: the light is known to be a single one; its print is not searched for two that overlap.
        corner: x and y of the part's first pixel in the whole picture; places are reported there.

    Raises:
        PsfError: nothing stands out, the light touches the border, is no point, is clipped too widely, or is mixed
            with another light.
    """
    planes = light[0].detach().cpu().double().numpy()
    height, width = planes.shape[1:]
    refuse_outside(x, y, width, height)
    if size is not None and (size < 3 or size % 2 == 0 or size > 2 * REACH + 1):
        raise PsfError(f"the size is {size}, expected an odd number of pixels from 3 to {2 * REACH + 1}")
    window, spot, left, top, noise = _spot(planes, x, y, corner)
    colours, usable = _joined(window, spot, planes[:, top : top + spot.shape[0], left : left + spot.shape[1]] >= white)
    left, top = left + corner[0], top + corner[1]
    clipped = spot & ~usable
    values = repaired(colours, spot, clipped, noise)
    values = np.where(spot, values.clip(0), 0)
    rows, columns = np.indices(values.shape)
    middle_y, middle_x = (float((values * axis).sum() / values.sum()) for axis in (rows, columns))
    where = f"at {left + middle_x:.0f},{top + middle_y:.0f}"
    inside = np.argwhere(spot)
    (first_y, first_x), (last_y, last_x) = inside.min(axis=0), inside.max(axis=0)
    box = values[first_y : last_y + 1, first_x : last_x + 1]
    if not alone and (shift := echo(box)):
        apart = math.hypot(*shift)
        raise PsfError(
            f"the light {where} looks like two that overlap, {apart:.0f} px apart; take one that stands alone"
        )
    centre = np.array([round(middle_y), round(middle_x)])
    half = int(np.abs(inside - centre).max()) if size is None else size // 2
    psf = _cut(values, centre, half)
    return PointLight(
        psf=accept_psf(torch.from_numpy(psf), name=f"the light {where}"),
        x=left + middle_x,
        y=top + middle_y,
        contrast=float(values.max() / noise),
        repaired=int(clipped.sum()),
        cut=float(max(0.0, 1 - psf.sum() / values.sum())),
    )


def refuse_outside(x: Number, y: Number, width: int, height: int) -> None:
    """A point must lie on a pixel.

    Raises:
        PsfError: it does not, or is not a number.
    """
    if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
        raise PsfError(f"the point {x:g},{y:g} lies outside the picture of {width} x {height} pixels; point into it")


def _spot(planes: Any, x: Number, y: Number, corner: tuple[int, int]) -> tuple[Any, Mask, int, int, float]:
    """Channels without background, the light's pixels, the window's corner, and the noise, in the smallest window."""
    height, width = planes.shape[1:]
    where = f"{x + corner[0]:g},{y + corner[1]:g}"
    reason = f"nothing stands out of the background at {where}; point at a star or lamp that stands alone"
    half = 16
    while half <= REACH:
        left, top = max(0, round(x) - half), max(0, round(y) - half)
        part = planes[:, top : round(y) + half + 1, left : round(x) + half + 1]
        frame = np.ones(part.shape[1:], bool)
        rim = max(3, half // 6)
        frame[rim:-rim, rim:-rim] = False
        window = np.stack([plane - _background(plane, frame) for plane in part])
        mean = window.mean(axis=0)
        noise = max(_spread(mean[frame]), _LOWEST_NOISE)
        smooth = ndimage.gaussian_filter(mean, 1.0)
        level = max(_spread(smooth[frame]), _LOWEST_NOISE / 3)
        labels, _ = ndimage.label(smooth > _BELONGS * level, np.ones((3, 3)))
        number = _nearest(labels, x - left, y - top)
        spot = labels == number
        half *= 2
        if not number or smooth[spot].max() < _STANDS_OUT * level:
            continue
        edges = (left == 0, top == 0, left + spot.shape[1] == width, top + spot.shape[0] == height)
        sides = (spot[:, 0], spot[0], spot[:, -1], spot[-1])
        if any(edge and side.any() for edge, side in zip(edges, sides, strict=True)):
            reason = f"the light at {where} touches the picture's border; take one whose blur is wholly in the picture"
            continue
        if (spot & frame).any() and not all(edges):
            reason = f"what stands out at {where} does not end within {REACH} px; it is no point of light"
            continue
        _refuse_company(mean, spot, labels, (left + corner[0], top + corner[1]))
        return window, spot, left, top, noise
    raise PsfError(reason)


def _background(plane: Plane, frame: Mask) -> Plane:
    """A plane through the frame's values that stars and edges in it do not bend."""
    rows, columns = np.indices(plane.shape)
    terms = np.stack([np.ones(plane.shape), rows - plane.shape[0] / 2, columns - plane.shape[1] / 2], axis=-1)
    basis, values = terms[frame], plane[frame]
    fit = np.array([np.median(values), 0, 0])
    for _ in range(6):
        rest = values - basis @ fit
        near = np.abs(rest - np.median(rest)) <= 2.5 * max(_spread(rest), _LOWEST_NOISE)
        fit = np.linalg.lstsq(basis[near], values[near], rcond=None)[0]
    return terms @ fit


def _spread(values: Any) -> float:
    """Robust standard deviation."""
    return float(np.median(np.abs(values - np.median(values)))) / 0.6745


def _nearest(labels: Any, x: Number, y: Number) -> int:
    """The label next to a place, 0 where none is near."""
    rows, columns = np.nonzero(labels)
    if len(rows) == 0:
        return 0
    far = np.hypot(rows - y, columns - x)
    best = int(far.argmin())
    return int(labels[rows[best], columns[best]]) if far[best] <= _NEAR else 0


def _refuse_company(mean: Plane, spot: Mask, labels: Any, corner: tuple[int, int]) -> None:
    """No other light within the box that the PSF takes."""
    rows, columns = np.nonzero(spot)
    reach = max(np.ptp(rows), np.ptp(columns)) // 2 + 1
    middle_y, middle_x = (rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2
    box = np.zeros_like(spot)
    box[max(0, middle_y - reach) : middle_y + reach + 1, max(0, middle_x - reach) : middle_x + reach + 1] = True
    own = mean[spot].sum()
    for other in set(np.unique(labels[box])) - {0, labels[spot][0]}:
        part = labels == other
        if mean[part].sum() > _OTHER * own:
            y, x = (int(axis.mean()) for axis in np.nonzero(part))
            raise PsfError(
                f"a second light near {x + corner[0]},{y + corner[1]} lies in the same box; take one that stands alone"
            )


def _joined(window: Any, spot: Mask, clipped: Any) -> tuple[Plane, Mask]:
    """One plane of all channels, each where it is not clipped, and where there is any such channel."""
    free = spot & ~clipped.any(axis=0)
    mean = window.mean(axis=0)
    gains = np.array([float((plane * mean)[free].sum()) for plane in window])
    total = float((mean * mean)[free].sum())
    gains = gains / total if total > 0 else np.ones(len(window))
    gains = np.where(gains < 0.05 * gains.max(), 0, gains)  # a channel without this light has only noise to give
    weights = np.where(clipped, 0, gains[:, None, None] ** 2)
    sums = weights.sum(axis=0)
    usable = sums > 0
    scaled = window / np.where(gains > 0, gains, 1)[:, None, None]
    joined = (weights * scaled).sum(axis=0) / np.where(usable, sums, 1)
    known = np.where(gains[:, None, None] > 0, scaled, -np.inf).max(axis=0)
    return np.where(usable, joined, known), usable


def _cut(values: Plane, centre: Any, half: int) -> Plane:
    """``2 half + 1`` pixels a side around a pixel, zeros beyond the window."""
    padded = np.pad(values, half)
    top, left = (int(place) for place in centre)
    return padded[top : top + 2 * half + 1, left : left + 2 * half + 1]
