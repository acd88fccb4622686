"""One picture of a table of PSFs, each drawn where it belongs."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from unblur.benchmark.psf_sheet import FAINT, INK, save_figure
from unblur.psf.grid import Numbers, Place, PsfGrid

_BOX = 0.94
"""Side of a PSF's square as a share of the distance to the next."""
_LABELLED = 64
"""Places that are named one by one; more would cover each other."""
_NAMED = 12
"""Rows or columns that are named; of more, every second, third and so on."""
_INCHES = 9.0
"""Of the longer side."""


def arranged(grid: PsfGrid) -> str:
    """How the places lie, in words: in rows and columns, or anyhow."""
    columns, rows = set(grid.x), set(grid.y)
    count = len(grid.psfs)
    if len(columns) * len(rows) == count:
        return f"{len(rows)} x {len(columns)}, rows by columns"
    return f"{count} points"


def psf_grid_sheet(grid: PsfGrid, path: str | Path) -> None:
    """Draw all PSFs of a table, in their rows and columns, or at their points.

    All have the same scale, and each is as bright as its own peak allows: how light is spread is seen, not how much of
    it there is. A cross marks the origin of each. Shares of a side and pixels in one table are drawn on the smallest
    picture that holds the pixels.

    Args:
        grid: at least one PSF.
        path: of the picture, by whose ending the format is chosen.

    Raises:
        PsfError: the picture cannot be written.
    """
    columns, rows = (sorted(set(side), key=_in_order) for side in (grid.x, grid.y))
    lattice = len(columns) * len(rows) == len(grid.psfs)
    if lattice:  # drawn as densely as they get, whatever the picture's size
        x, y = (np.array([float(found.index(place)) for place in side]) for found, side in _pairs(grid, columns, rows))
        box = 1.0
    else:
        x, y = (_pixels(side) for side in (grid.x, grid.y))
        box = _room(x, y)
    width, height = np.ptp(x) + box, np.ptp(y) + box
    scale = _INCHES / max(width, height)
    size = (max(3.0, scale * width) + 0.9, max(1.5, scale * height) + 1.0)
    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(), facecolor="white")
    FigureCanvasAgg(figure)
    axes: Axes = figure.subplots()
    _draw(axes, grid, x, y, box * _BOX)
    axes.set(xlim=(x.min() - box / 2, x.max() + box / 2), ylim=(y.max() + box / 2, y.min() - box / 2), aspect="equal")
    axes.spines[:].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9, length=0)
    if lattice:
        for set_ticks, places in ((axes.set_xticks, columns), (axes.set_yticks, rows)):
            every = -(-len(places) // _NAMED)
            set_ticks(range(0, len(places), every), [place_in_words(place) for place in places[::every]])
    elif len(x) > _LABELLED:
        axes.tick_params(length=3, color=FAINT)
    else:
        axes.set(xticks=[], yticks=[])
    kh, kw = grid.psfs.shape[1:]
    figure.suptitle(f"{arranged(grid)}   ·   PSFs of up to {kh} × {kw} px", fontsize=11.5, color=INK)
    save_figure(figure, Path(path))


def place_in_words(place: Place) -> str:
    """``120``, ``50%`` or both."""
    if place.share and place.pixels:
        return f"{100 * place.share:g}% {place.pixels:+g}"
    return f"{place.pixels:g}" if place.pixels else f"{100 * place.share:g}%" if place.share else "0"


def _draw(axes: Axes, grid: PsfGrid, x: Numbers, y: Numbers, box: float) -> None:
    _, kh, kw = grid.psfs.shape
    side = max(kh, kw, 5)
    half_width, half_height = box / 2 * kw / side, box / 2 * kh / side
    alone = len(set(grid.x)) * len(set(grid.y)) != len(x) and len(x) <= _LABELLED
    for column, row, psf, across, down in zip(x, y, grid.psfs, grid.x, grid.y, strict=True):
        ground = [[column - box / 2, column + box / 2], [row - box / 2, row + box / 2]]
        axes.fill_between(ground[0], ground[1][0], ground[1][1], color="black", linewidth=0, zorder=1)
        reach = (column - half_width, column + half_width, row + half_height, row - half_height)
        shown = psf.detach().cpu().numpy()
        axes.imshow(shown, cmap="magma", extent=reach, interpolation="nearest", vmin=0, zorder=2)
        if len(x) <= _LABELLED:
            axes.plot([column], [row], marker="+", color="#7fd1ff", markersize=7, markeredgewidth=0.9, zorder=3)
        if alone:
            axes.annotate(
                f"{place_in_words(across)}, {place_in_words(down)}",
                (column, row + box / 2),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
                color="white",
                fontsize=7.5,
                zorder=4,
            )


def _pairs(grid: PsfGrid, columns: list[Place], rows: list[Place]) -> list[tuple[list[Place], tuple[Place, ...]]]:
    return [(columns, grid.x), (rows, grid.y)]


def _in_order(place: Place) -> tuple[float, float]:
    return place.share, place.pixels


def _pixels(places: tuple[Place, ...]) -> Numbers:
    """On the smallest side that holds those in pixels; of shares alone, on one of 1000 pixels."""
    length = max((round(place.pixels) + 1 for place in places if place.pixels), default=1000)
    return np.array([place.on(max(length, 2)) for place in places])


def _room(x: Numbers, y: Numbers) -> float:
    """Side of the squares: what fits between neighbours, but no smaller than can be seen."""
    across, down = np.abs(x[:, None] - x), np.abs(y[:, None] - y)
    apart = np.maximum(across, down)
    np.fill_diagonal(apart, np.inf)
    longest = max(np.ptp(x), np.ptp(y), 1.0)
    return float(np.clip(apart.min(), longest / 16, longest / 3))
