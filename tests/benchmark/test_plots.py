"""Figures: that they show what they are given. How they look is judged by eye."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image as PillowImage

from tests.benchmark.test_report import ROWS, row
from unblur.benchmark import plots
from unblur.benchmark.plots import bars, learning_curves, strip


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were saved."""
    figures: list[Figure] = []
    save = plots._save

    def keep(figure: Figure, path: Path) -> None:
        figures.append(figure)
        save(figure, path)

    monkeypatch.setattr(plots, "_save", keep)
    return figures


def test_bars_are_as_high_as_the_means(tmp_path: Path, drawn: list[Figure]) -> None:
    bars(ROWS, tmp_path / "bars.png")

    axes = drawn[0].axes[0]
    heights = sorted(bar.get_height() for bar in axes.patches if bar.get_height() > 0)  # type: ignore[attr-defined]
    assert heights == pytest.approx(sorted([22.0, 26.5, 27.8333333, 22.0, 29.0]))
    assert [text.get_text() for text in axes.get_xticklabels()] == ["disk", "motion"]
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["input", "wiener", "odcnn"]
    low, high = axes.get_ylim()
    assert low < 22
    assert high > 29


def test_long_names_stay_inside_the_figure(tmp_path: Path, drawn: list[Figure]) -> None:
    names = [f"a method of {number} words and settings" for number in range(6)]

    bars([row(name, "disk", "a", 25.0) for name in names], tmp_path / "bars.png")

    legend, whole = drawn[0].legends[0].get_window_extent(), drawn[0].bbox
    assert legend.x0 >= whole.x0
    assert legend.x1 <= whole.x1


def test_infinite_values_do_not_break_the_bars(tmp_path: Path) -> None:
    bars([*ROWS, row("delta", "disk", "a", math.inf)], tmp_path / "bars.png")

    assert (tmp_path / "bars.png").stat().st_size > 1000


def test_a_strip_shows_every_picture_and_its_middle(tmp_path: Path, drawn: list[Figure]) -> None:
    image = torch.linspace(0, 1, 30 * 42).reshape(1, 1, 30, 42)

    strip([("blurred", image), ("sharp", 1 - image)], tmp_path / "strip.png", zoom=3)

    shown = [np.asarray(axes.images[0].get_array()) for axes in drawn[0].axes]
    assert [axes.get_title() for axes in drawn[0].axes[:2]] == ["blurred", "sharp"]
    np.testing.assert_allclose(shown[0], image[0, 0].numpy())
    np.testing.assert_allclose(shown[2], image[0, 0, 10:21, 14:29].numpy())


def test_a_strip_in_colour_is_in_colour(tmp_path: Path) -> None:
    red = torch.zeros(1, 3, 24, 20)
    red[:, 0] = 1

    strip([("red", red)], tmp_path / "strip.png", zoom=1)

    with PillowImage.open(tmp_path / "strip.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert (pixels == (255, 0, 0)).all(axis=2).mean() > 0.3


def training_row(stage: str, step: int, **more: Any) -> dict[str, Any]:
    """A row as a training run writes it."""
    return {"stage": stage, "step": step, "loss": 0.1 / (step + 1), "validation": None, **more}


def test_learning_curves_show_loss_and_validation_of_each_stage(tmp_path: Path, drawn: list[Figure]) -> None:
    rows = [training_row("deconvolution", step) for step in range(30)]
    rows += [training_row("joint", step, validation=24 + step) for step in range(5)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows) + '{"stage": "joi')

    learning_curves(path, tmp_path / "curves.png")

    loss, joint_loss, nothing, validation = drawn[0].axes
    assert [loss.get_title(), joint_loss.get_title()] == ["deconvolution", "joint"]
    np.testing.assert_allclose(np.asarray(loss.lines[0].get_ydata()), [0.1 / (step + 1) for step in range(30)])
    np.testing.assert_allclose(np.asarray(validation.lines[0].get_ydata()), [24, 25, 26, 27, 28])
    assert not nothing.lines
    assert nothing.texts[0].get_text() == "not measured"
    assert (tmp_path / "curves.png").exists()
