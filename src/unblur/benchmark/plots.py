"""Rows → figures. Nothing is restored here, and no global state of matplotlib is touched."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unblur.benchmark.report import Cells, cells
from unblur.tensors import Image

COLOURS = ("#b8bcc4", "#4c78a8", "#72b7b2", "#f2a541", "#e4663f", "#9c6ade", "#54a24b", "#d6618f", "#8c6d46", "#2f4b7c")
INK = "#2b2f36"
FAINT = "#d9dce1"
EDGE_MARGIN = 0.5
"""Decibels left free under the lowest and over the highest error bar."""


def bars(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Mean PSNR of every entry in every column, with its standard error, like the paper's Fig. 4.

    Args:
        rows: of one suite.
        path: of the picture, by whose ending the format is chosen.
    """
    values = cells(rows, "psnr")
    columns = list(dict.fromkeys(row["column"] for row in rows))
    figure = _figure(max(6.0, 1.2 + 0.34 * len(values) * len(columns)), 4.2)
    axes = figure.add_subplot()
    _bare(axes)
    width = 0.84 / len(values)
    for position, entry in enumerate(values):
        _bar_row(axes, values, entry, columns, (position, width))
    axes.set_xticks(range(len(columns)), columns)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("PSNR, dB")
    ends = [end for entry in values for column in columns for end in _ends(_finite(values, entry, column))]
    if ends:
        axes.set_ylim(math.floor(min(ends) - EDGE_MARGIN), max(ends) + EDGE_MARGIN)
    room = figure.get_figwidth() / (0.55 + 0.085 * max(map(len, values)))  # inches of a handle and of a letter
    figure.legend(loc="outside upper center", ncols=min(len(values), 6, max(1, int(room))), frameon=False, fontsize=9)
    _save(figure, path)


def _bar_row(axes: Axes, values: Cells, entry: str, columns: Sequence[str], slot: tuple[int, float]) -> None:
    """The bars of one entry, one for each column that it knows, with the numbers on top."""
    position, width = slot
    colour = COLOURS[position % len(COLOURS)]
    axes.bar([0], [0], color=colour, label=entry)  # the legend's patch, also for an entry without bars
    for place, column in enumerate(columns):
        known = _finite(values, entry, column)
        if not known:
            continue
        x = place + (position + 0.5) * width - 0.42
        mean, error = statistics.fmean(known), _standard_error(known)
        axes.bar([x], [mean], width=0.9 * width, color=colour, zorder=2)
        axes.errorbar([x], [mean], yerr=[error], color=INK, linewidth=0.8, zorder=3)
        foot = axes.get_xaxis_transform()  # clear of the error bars
        axes.text(x, 0.015, f"{mean:.1f}", transform=foot, ha="center", fontsize=7, color=INK, zorder=4)


def _finite(values: Cells, entry: str, column: str) -> list[float]:
    return [value for value in values[entry].get(column, {}).values() if math.isfinite(value)]


def _standard_error(values: Sequence[float]) -> float:
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def _ends(values: Sequence[float]) -> tuple[float, ...]:
    """Where the error bar of some values begins and ends."""
    if not values:
        return ()
    mean, error = statistics.fmean(values), _standard_error(values)
    return mean - error, mean + error


def strip(panels: Sequence[tuple[str, Image]], path: Path, *, zoom: int = 3) -> None:
    """Pictures side by side under their names, and below each its middle magnified.

    Args:
        panels: name and picture ``(1, 1|3, H, W)`` in [0, 1], all of one size.
        path: of the picture.
        zoom: the lower row shows the middle so many times larger; 1 leaves it out.
    """
    height, width = panels[0][1].shape[-2:]
    lines = 2 if zoom > 1 else 1
    side = 2.6
    figure = _figure(side * len(panels), lines * side * height / width + 0.4)
    grid = figure.subplots(lines, len(panels), squeeze=False)
    inner = (
        slice(height // 2 - height // (2 * zoom), height // 2 + height // (2 * zoom) + 1),
        slice(width // 2 - width // (2 * zoom), width // 2 + width // (2 * zoom) + 1),
    )
    for place, (name, image) in enumerate(panels):
        _show(grid[0, place], image)
        grid[0, place].set_title(name, fontsize=9, color=INK)
        if lines == 2:
            _show(grid[1, place], image[..., inner[0], inner[1]])
    _save(figure, path)


def _show(axes: Axes, image: Image) -> None:
    pixels = image[0].detach().to("cpu", torch.float32).clamp(0, 1).permute(1, 2, 0).squeeze(-1).numpy()
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_axis_off()


def learning_curves(rows_path: Path, path: Path) -> None:
    """Loss and validation PSNR over the steps of a training run, stage after stage.

    Args:
        rows_path: JSON rows with ``stage``, ``step`` and ``loss``, and at times ``validation`` in dB.
        path: of the picture.
    """
    rows = [json.loads(line) for line in rows_path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    figure = _figure(max(6.0, 3.2 * len(stages)), 5.0)
    grid = figure.subplots(2, max(1, len(stages)), squeeze=False, sharex="col")
    for place, stage in enumerate(stages):
        mine = [row for row in rows if row["stage"] == stage]
        colour = COLOURS[1 + place % (len(COLOURS) - 1)]
        _curve(grid[0, place], mine, "loss", colour)
        _curve(grid[1, place], mine, "validation", colour)
        grid[0, place].set_yscale("log")
        grid[0, place].set_title(stage, fontsize=10, color=INK)
        grid[1, place].set_xlabel("step")
    grid[0, 0].set_ylabel("loss")
    grid[1, 0].set_ylabel("validation PSNR, dB")
    _save(figure, path)


def _curve(axes: Axes, rows: Sequence[Mapping[str, Any]], key: str, colour: str) -> None:
    """One measure over the steps; a noisy one faint, with its running median on top."""
    known = [(row["step"], row[key]) for row in rows if row.get(key) is not None]
    _bare(axes)
    if not known:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=INK, fontsize=9)
        axes.set_yticks([])
        return
    steps, values = zip(*known, strict=True)
    reach = len(values) // 50  # a few points are shown as they are
    smooth = [statistics.median(values[max(0, i - reach) : i + reach + 1]) for i in range(len(values))]
    axes.plot(steps, values, color=colour, alpha=0.3, linewidth=0.8)
    axes.plot(steps, smooth, color=colour, linewidth=1.6, marker="." if len(values) < 20 else "")


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _bare(axes: Axes) -> None:
    """Axes with nothing on them that does not inform."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.grid(axis="y", color=FAINT, linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=9, left=False)


def _save(figure: Figure, path: Path) -> None:
    """Write under another name and rename, so that a reader never sees half a picture."""
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    figure.savefig(part, dpi=150)
    part.replace(path)
