"""Pictures of pictures and of kernels. Nothing is restored here, and no global state of matplotlib is touched."""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from unblur.inverse.separable import SeparableKernel
from unblur.tensors import Image, Psf

INK = "#2b2f36"
FAINT = "#d9dce1"
COLOURS = ("#4c78a8", "#e4663f", "#54a24b")
THRESHOLD = 0.01
"""Singular values up to this are left out by the paper."""

Window = tuple[slice, slice]


def busiest(picture: Image, side: int) -> Window:
    """The square window of a picture with the strongest gradients, or all of a picture that is smaller.

    Args:
        picture: ``(1, C, H, W)``.
        side: of the window in pixels.
    """
    side = min(side, *picture.shape[-2:])
    grey = picture.mean(dim=1, keepdim=True)
    across, down = grey.diff(dim=-1)[..., :-1, :], grey.diff(dim=-2)[..., :-1]
    energy = F.avg_pool2d(F.pad(across.square() + down.square(), (0, 1, 0, 1)), side, stride=1)
    place = int(energy.argmax())
    top, left = divmod(place, energy.shape[-1])
    return slice(top, top + side), slice(left, left + side)


def mosaic(panels: Sequence[tuple[str, Tensor]], path: Path, *, columns: int, size: float = 2.6) -> None:
    """Pictures under their names, line by line.

    Args:
        panels: name and picture ``(1, 1|3, H, W)`` in [0, 1].
        path: of the PNG file.
        columns: pictures in a line, at most.
        size: width of each in inches.
    """
    columns = min(columns, len(panels))
    lines = -(-len(panels) // columns)
    height, width = panels[0][1].shape[-2:]
    titled = sum(any(name for name, _ in panels[start : start + columns]) for start in range(0, len(panels), columns))
    figure = _figure(size * columns, lines * (size * height / width + 0.08) + 0.4 * titled)
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, (name, image) in zip(grid.flat, panels, strict=False):
        _show(axes, name, image)
    _save(figure, path)


def kernels(psf: Psf, terms: SeparableKernel, path: Path) -> None:
    """A PSF, its inverse, the singular values and the strongest separable filters.

    Args:
        psf: odd sides.
        terms: of its inverse kernel, all of them.
        path: of the PNG file.
    """
    figure = _figure(13.2, 3.5)
    grid = figure.subplots(1, 4)
    for axes, (name, values) in zip(grid[:2], (("PSF k", psf), ("inverse k†", terms.kernel)), strict=True):
        peak = float(values.abs().max())
        low, colours = (0.0, "gray") if float(values.min()) >= 0 else (-peak / 4, "RdBu_r")
        axes.imshow(values.cpu().numpy(), cmap=colours, vmin=low, vmax=peak if low == 0 else peak / 4)
        axes.set_title(f"{name}, {values.shape[0]} × {values.shape[1]}", fontsize=10, color=INK)
        axes.set_axis_off()
    _strengths(grid[2], terms.strengths)
    _filters(grid[3], terms)
    _save(figure, path)


def _strengths(axes: Axes, strengths: Tensor) -> None:
    above = int((strengths > THRESHOLD).sum())
    axes.semilogy(range(1, len(strengths) + 1), strengths.clamp_min(1e-6).tolist(), color=COLOURS[0])
    axes.axhline(THRESHOLD, color=COLOURS[1], linewidth=0.8)
    axes.set_title(f"singular values, {above} above {THRESHOLD:g}", fontsize=10, color=INK)
    axes.set_ylim(1e-5, None)
    _bare(axes)


def _filters(axes: Axes, terms: SeparableKernel) -> None:
    """The columns of the strongest terms, one above the other."""
    reach = 2.2 * float(terms.columns[:, :3].abs().max())
    places = torch.arange(terms.columns.shape[0]) - terms.columns.shape[0] // 2
    for number in range(min(3, terms.columns.shape[1])):
        line = terms.columns[:, number].cpu() - number * reach
        axes.plot(places.tolist(), line.tolist(), color=COLOURS[number], linewidth=1)
    axes.set_title("the three strongest column filters", fontsize=10, color=INK)
    axes.set_yticks([])
    _bare(axes)


def _show(axes: Axes, name: str, image: Tensor) -> None:
    pixels = image[0].detach().to("cpu", torch.float32).clamp(0, 1).permute(1, 2, 0).squeeze(-1).numpy()
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(name, fontsize=9, color=INK)
    axes.set_axis_off()


def _bare(axes: Axes) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=8, left=False)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    """Write under another name and rename, so that a reader never sees half a picture."""
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    figure.savefig(part, dpi=130)
    part.replace(path)
