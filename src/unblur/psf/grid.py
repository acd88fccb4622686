"""A PSF that varies over the picture: known at some places, mixed in between."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from jaxtyping import Float
from scipy.spatial import ConvexHull, Delaunay, QhullError
from torch import Tensor

from unblur.errors import PsfError
from unblur.psf.parametric import Number
from unblur.tensors import Psf

MOST = 1024
"""Places of one grid."""
LARGEST = 100_000_000
"""Values of all PSFs of one grid together."""
Numbers = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Indices = np.ndarray[tuple[int, ...], np.dtype[np.intp]]


@dataclass(frozen=True)
class Place:
    """Where along a side of the picture: so many pixels, and such a share of the way, from the first pixel's centre."""

    pixels: float = 0.0
    share: float = 0.0
    """0 is the first pixel, 1 the last."""

    def on(self, length: int) -> float:
        """In pixels, for a side of ``length``."""
        return self.pixels + self.share * (length - 1)


@dataclass(frozen=True, eq=False)
class PsfGrid:
    """PSFs at places of a picture. A point of light in between prints a mixture of those around it.

    The mixture is bilinear where the places are the crossings of some rows and columns, and linear in each triangle
    between three of them (Delaunay) where they lie anyhow. Beyond the outermost places the PSF is that of the nearest
    point between them. Mixing does not move or scale a PSF: from ``disk:2`` to ``disk:6`` the places must lie dense.
    """

    psfs: Float[Tensor, "n kh kw"]
    """All padded to one size: odd sides, sum 1."""
    x: tuple[Place, ...]
    y: tuple[Place, ...]

    @classmethod
    def at(cls, points: Sequence[tuple[Place | Number, Place | Number, Tensor]]) -> "PsfGrid":
        """PSFs ``(kh, kw)`` of any sizes at points ``(x, y, psf)``; plain numbers are in pixels.

        Raises:
            PsfError: no point, too many of them, or a place that is not finite.
        """
        if not 1 <= len(points) <= MOST:
            raise PsfError(f"the grid has {len(points)} PSFs, expected 1 to {MOST}; leave some out")
        height, width = (max(point[2].shape[side] for point in points) for side in (0, 1))
        if len(points) * height * width > LARGEST:
            raise PsfError(f"{len(points)} PSFs of up to {width} x {height} pixels are too many; crop them")
        places = [tuple(p if isinstance(p, Place) else Place(float(p)) for p in point[:2]) for point in points]
        if not all(math.isfinite(number) for x, y in places for number in (x.pixels, x.share, y.pixels, y.share)):
            raise PsfError("a place of the grid is not a finite number; mend its x and y")
        psfs = torch.stack([_grown(psf, height, width) for *_, psf in points])
        return cls(psfs, tuple(x for x, _ in places), tuple(y for _, y in places))

    @classmethod
    def evenly(cls, rows: Sequence[Sequence[Tensor]]) -> "PsfGrid":
        """Rows of PSFs from top to bottom, evenly spread from border to border; a single one counts everywhere.

        Raises:
            PsfError: no PSF, rows of different lengths, or too many of them.
        """
        lengths = {len(row) for row in rows}
        if len(lengths) != 1:
            counts = ", ".join(str(len(row)) for row in rows) or "no row"
            raise PsfError(f"the rows of the grid have {counts} PSFs, expected as many in each; fill them up")
        down, across = (
            [Place(share=k / (count - 1) if count > 1 else 0.5) for k in range(count)]
            for count in (len(rows), *lengths)
        )
        return cls.at([(across[j], down[i], psf) for i, row in enumerate(rows) for j, psf in enumerate(row)])

    @property
    def mean(self) -> Psf:
        """The average of all PSFs."""
        return self.psfs.mean(dim=0)

    def on(self, height: int, width: int, *, corner: tuple[Number, Number] = (0, 0)) -> "PlacedPsfs":
        """The grid laid on a picture.

        Args:
            height: of the whole picture, in pixels.
            width: of the whole picture, in pixels.
            corner: column and row in it from which positions are then counted; not (0, 0) for a part of the picture.

        Raises:
            PsfError: two PSFs for one place.
        """
        x = np.array([place.on(width) for place in self.x]) - corner[0]
        y = np.array([place.on(height) for place in self.y]) - corner[1]
        return PlacedPsfs(self.psfs, x, y)


class PlacedPsfs:
    """A grid of PSFs on one picture.

    Args:
        psfs: ``(n, kh, kw)``.
        x: column of each, in pixels.
        y: row of each, in pixels.

    Raises:
        PsfError: two PSFs for one place.
    """

    def __init__(self, psfs: Float[Tensor, "n kh kw"], x: Numbers, y: Numbers) -> None:
        self.psfs, self._points = psfs, np.stack([x, y], axis=1)
        places, counts = np.unique(self._points, axis=0, return_counts=True)
        if (counts > 1).any():
            column, row = places[counts > 1][0]
            raise PsfError(f"the grid has several PSFs at column {column:g}, row {row:g}, expected one; leave one out")
        self._columns, self._rows = np.unique(x), np.unique(y)
        self._lattice = len(self._columns) * len(self._rows) == len(x)
        self._triangles: Delaunay | None = None
        self._edges: Indices = np.empty((0, 2), np.intp)
        if not self._lattice:
            self._triangles, self._edges = _net(self._points)

    @property
    def spacing(self) -> tuple[float | None, float | None]:
        """Pixels between neighbouring places, down and across; None where the PSF does not vary."""
        if self._lattice:
            down, across = (
                float(np.diff(part).min()) if len(part) > 1 else None for part in (self._rows, self._columns)
            )
            return down, across
        apart = np.linalg.norm(self._points[:, None] - self._points, axis=2)
        np.fill_diagonal(apart, np.inf)
        usual = float(np.median(apart.min(axis=1)))
        return usual, usual

    def psf_at(self, x: Number, y: Number) -> Psf:
        """What a point of light at this place prints."""
        shares = torch.from_numpy(self.shares(np.array([float(x)]), np.array([float(y)]))[0]).to(self.psfs)
        return torch.tensordot(shares, self.psfs, dims=1)

    def shares(self, x: Numbers, y: Numbers) -> Numbers:
        """How much of each PSF there is at m places: ``(m, n)``, not negative, each row sums to 1."""
        if self._lattice:
            across, down = _hats(x, self._columns), _hats(y, self._rows)
            column = np.searchsorted(self._columns, self._points[:, 0])
            row = np.searchsorted(self._rows, self._points[:, 1])
            return across[:, column] * down[:, row]
        sought = np.stack([x, y], axis=1)
        found = np.zeros((len(sought), len(self._points)))
        inside = np.full(len(sought), -1) if self._triangles is None else self._triangles.find_simplex(sought)
        if self._triangles is not None and (inside >= 0).any():
            within = np.flatnonzero(inside >= 0)
            affine = self._triangles.transform[inside[within]]
            two = np.einsum("mij,mj->mi", affine[:, :2], sought[within] - affine[:, 2])
            three = np.concatenate([two, 1 - two.sum(axis=1, keepdims=True)], axis=1).clip(0)
            corners = self._triangles.simplices[inside[within]]
            found[within[:, None], corners] = three / three.sum(axis=1, keepdims=True)
        beyond = np.flatnonzero(inside < 0)
        if len(beyond):
            self._share_on_edges(sought, beyond, found)
        return found

    def _share_on_edges(self, sought: Numbers, beyond: Indices, found: Numbers) -> None:
        """Places outside get what is at the nearest point of the outline."""
        nearest, along = np.full(len(beyond), np.inf), np.zeros(len(beyond))
        edge_of = np.zeros(len(beyond), int)
        for number, (first, second) in enumerate(self._edges):
            start, way = self._points[first], self._points[second] - self._points[first]
            part = ((sought[beyond] - start) @ way / (way @ way)).clip(0, 1)
            distance = np.linalg.norm(sought[beyond] - start - part[:, None] * way, axis=1)
            better = distance < nearest
            nearest, along = np.where(better, distance, nearest), np.where(better, part, along)
            edge_of[better] = number
        ends = self._edges[edge_of]
        found[beyond, ends[:, 0]] = 1 - along
        found[beyond, ends[:, 1]] = along


def typical(psf: "Psf | PsfGrid") -> Psf:
    """One PSF to stand for all: of the size of the largest, for whatever depends on size alone."""
    return psf.mean if isinstance(psf, PsfGrid) else psf


def _grown(psf: Tensor, height: int, width: int) -> Tensor:
    """The same PSF in a larger array of odd sides."""
    down, across = (height - psf.shape[0]) // 2, (width - psf.shape[1]) // 2
    return F.pad(psf, (across, across, down, down))


def _hats(places: Numbers, knots: Numbers) -> Numbers:
    """Linear interpolation between knots as shares of each: ``(m, n)``; beyond the ends the end's alone."""
    return np.stack([np.interp(places, knots, unit) for unit in np.eye(len(knots))], axis=1)


def _net(points: Numbers) -> tuple[Delaunay | None, Indices]:
    """The triangles between points and the edges of their outline; of points on one line, only the pieces of it."""
    try:
        return Delaunay(points), ConvexHull(points).simplices.astype(np.intp)
    except QhullError:
        order = np.lexsort((points[:, 1], points[:, 0]))
        return None, np.stack([order[:-1], order[1:]], axis=1)
