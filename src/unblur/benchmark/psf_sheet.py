"""One page about a PSF: itself, what it lets through, how it is undone, and at what rank (after the paper's Fig. 3)."""

from pathlib import Path
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine
from torch import Tensor

from unblur.errors import ConfigError, PsfError
from unblur.inverse.regularised import pseudo_inverse
from unblur.inverse.separable import separable
from unblur.tensors import Psf

THRESHOLD = 0.01
"""Singular values above it count as rank: the paper leaves out those below."""
DECIBELS = -60.0
"""Floor of the spectrum's picture."""
INK = "#2b2f36"
FAINT = "#d9dce1"
BLUE = "#2f6db5"
RED = "#d1495b"


def centroid_offset(psf: Psf) -> tuple[float, float]:
    """How far the centroid lies from the origin, in pixels: to the right, and downwards."""
    kh, kw = psf.shape
    values = psf.to(torch.float64)
    rows = torch.arange(kh, dtype=values.dtype, device=values.device) - kh // 2
    columns = torch.arange(kw, dtype=values.dtype, device=values.device) - kw // 2
    return float((values.sum(0) * columns).sum()), float((values.sum(1) * rows).sum())


def describe_centroid(psf: Psf) -> str:
    """Where the centroid lies, in words; a hundredth of a pixel does not count."""
    right, down = centroid_offset(psf)
    if max(abs(right), abs(down)) < 0.005:
        return "centroid at the origin"
    sides = f"{abs(right):.2f} px to the {'right' if right > 0 else 'left'}"
    return f"centroid {sides}, {abs(down):.2f} px {'below' if down > 0 else 'above'} the origin"


def rank(inverse: Psf) -> int:
    """How many singular values of an inverse kernel exceed :data:`THRESHOLD`; each costs two thin convolutions."""
    return int((separable(inverse).strengths > THRESHOLD).sum())


def psf_sheet(psf: Psf, path: str | Path, *, noise_to_signal: float = 1e-2, support: int = 121) -> None:
    """Draw the PSF, its spectrum, its regularised inverse and the inverse's singular values.

    Args:
        psf: odd sides, sums to 1.
        path: of the picture, by whose ending the format is chosen.
        noise_to_signal: r of the inverse, above 0; larger is calmer and of lower rank.
        support: side of the inverse kernel in pixels, odd.

    Raises:
        ConfigError: a setting is out of range.
        PsfError: the picture cannot be written.
    """
    if not noise_to_signal > 0:
        raise ConfigError(f"noise_to_signal is {noise_to_signal}, expected a number above 0, for instance 0.01")
    psf = psf.detach().cpu().to(torch.float64)
    inverse = pseudo_inverse(psf, noise_to_signal, support)
    figure = Figure(figsize=(13.2, 4.0), layout=ConstrainedLayoutEngine(wspace=0.04), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.15))
    _draw_psf(axes[0], psf)
    _draw_spectrum(axes[1], psf)
    _draw_inverse(axes[2], inverse, noise_to_signal)
    _draw_singular_values(axes[3], separable(inverse).strengths)
    figure_title = f"PSF of {psf.shape[0]} × {psf.shape[1]} px   ·   {describe_centroid(psf)}"
    figure.suptitle(figure_title, fontsize=11.5, color=INK)
    save_figure(figure, Path(path))


def _draw_psf(axes: Axes, psf: Tensor) -> None:
    kh, kw = psf.shape
    reach = (-(kw // 2) - 0.5, kw // 2 + 0.5, kh // 2 + 0.5, -(kh // 2) - 0.5)
    drawn = axes.imshow(psf.numpy(), cmap="magma", extent=reach, interpolation="nearest", vmin=0)
    side = max(kh, kw, 5) / 2
    axes.set(xlim=(-side, side), ylim=(side, -side), facecolor="black")
    axes.plot([0], [0], marker="+", color="#7fd1ff", markersize=9, markeredgewidth=1.1)  # the origin
    _picture(axes, drawn, "the PSF k, + at its origin")


def _draw_spectrum(axes: Axes, psf: Tensor) -> None:
    side = max(256, 2 * max(psf.shape))
    spectrum = torch.fft.fftshift(torch.fft.fft2(psf, s=(side, side)).abs())
    level = (20 * spectrum.clamp_min(1e-9).log10()).clamp_min(DECIBELS)
    drawn = axes.imshow(
        level.numpy(), cmap="viridis", vmin=DECIBELS, vmax=0, extent=(-0.5, 0.5, 0.5, -0.5), interpolation="antialiased"
    )
    axes.set_xticks([-0.5, 0, 0.5])
    axes.set_yticks([-0.5, 0, 0.5])
    _picture(axes, drawn, "its spectrum |F(k)| in dB")


def _draw_inverse(axes: Axes, inverse: Tensor, noise_to_signal: float) -> None:
    peak = float(inverse.abs().max())
    half = inverse.shape[0] // 2
    norm = SymLogNorm(linthresh=peak / 50, vmin=-peak, vmax=peak)
    reach = (-half - 0.5, half + 0.5, half + 0.5, -half - 0.5)
    drawn = axes.imshow(inverse.numpy(), cmap="RdBu_r", norm=norm, extent=reach, interpolation="antialiased")
    _picture(axes, drawn, f"its inverse k† at r = {noise_to_signal:g}")
    bar = axes.images[0].colorbar
    if bar is not None:  # the ends, the middle and where the scale turns linear say enough
        ticks = (-peak, -peak / 50, 0, peak / 50, peak)
        bar.set_ticks(list(ticks), labels=[f"{tick:.2g}" for tick in ticks])
        bar.minorticks_off()


def _draw_singular_values(axes: Axes, strengths: Tensor) -> None:
    values = strengths.numpy()
    above = int((strengths > THRESHOLD).sum())
    numbers = range(1, len(values) + 1)
    floor = THRESHOLD / 100
    axes.semilogy(list(numbers), values.clip(floor / 10), color=FAINT, linewidth=1.2, zorder=1)
    axes.scatter(list(numbers)[:above], values[:above], s=11, color=BLUE, zorder=3)
    axes.scatter(list(numbers)[above:], values[above:], s=7, color="#a9b0ba", zorder=2)
    axes.axhline(THRESHOLD, color=RED, linewidth=1)
    axes.text(
        0.97,
        THRESHOLD * 1.15,
        f"{above} above {THRESHOLD:g}",
        color=RED,
        ha="right",
        va="bottom",
        fontsize=9.5,
        transform=axes.get_yaxis_transform(),
    )
    axes.set_ylim(floor, max(float(values[0]) * 2, 10 * THRESHOLD))
    axes.set_xlim(0, min(len(values), max(20, 2 * above)) + 1)
    axes.set_title("singular values of k†", fontsize=10, color=INK)
    axes.set_xlabel("number", fontsize=9, color=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=8.5, left=False)
    axes.minorticks_off()


def _picture(axes: Axes, drawn: AxesImage, title: str) -> None:
    """What the three pictures share: a title, no frame, a thin scale below."""
    axes.set_title(title, fontsize=10, color=INK)
    axes.spines[:].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8, length=2.5, color=FAINT)
    figure: Any = axes.figure
    bar = figure.colorbar(drawn, ax=axes, location="bottom", shrink=0.86, aspect=32, pad=0.03)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=INK, labelsize=7.5, length=2, color=FAINT)


def save_figure(figure: Figure, path: Path) -> None:
    """Write under another name and rename, so that a reader never sees half a picture.

    Raises:
        PsfError: it cannot be written.
    """
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        figure.savefig(part, dpi=150)
        part.replace(path)
    except (OSError, ValueError) as error:
        raise PsfError(
            f"{path} cannot be written ({error}); choose an existing folder and .png, .pdf or .svg"
        ) from error
    finally:
        part.unlink(missing_ok=True)
