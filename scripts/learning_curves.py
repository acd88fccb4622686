"""Draw how training went: validation PSNR over hours of training, one line for each run, stages marked.

    python scripts/learning_curves.py runs/odcnn-* -o curves.png

Reads the ``rows.jsonl`` that every run leaves.
"""

import argparse
import json
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK, FAINT = "#2b2f36", "#d9dce1"
COLOURS = ("#4c78a8", "#e4663f", "#54a24b", "#8a63b8", "#b39b2e", "#4aa7a8")
DASHES = {"deconvolution": ":", "denoise": "--", "joint": "-", "rounds": "--", "universal": "-"}


def stages(run: Path) -> dict[str, list[tuple[float, float]]]:
    """Stage → (hours, dB), a point wherever the validation was computed anew."""
    found: dict[str, list[tuple[float, float]]] = {}
    for line in (run / "rows.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        points = found.setdefault(row["stage"], [])
        value = row["validation"]
        if value is not None and not (points and points[-1][1] == value):
            points.append((row["seconds"] / 3600, value))
    return found


def draw(runs: list[Path], output: Path) -> None:
    """One axis, PSNR over hours."""
    figure = Figure(figsize=(8, 4.6), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for run, colour in zip(runs, COLOURS * len(runs), strict=False):
        for stage, points in stages(run).items():
            hours, values = zip(*points, strict=True) if points else ((), ())
            name = run.name if stage == list(stages(run))[-1] else None
            axes.plot(hours, values, DASHES.get(stage, "-"), color=colour, label=name, linewidth=1.4)
    axes.set_xlabel("hours of training", color=INK)
    axes.set_ylabel("validation PSNR, dB", color=INK)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    part = output.with_name(f"{output.stem}.part{output.suffix}")
    figure.savefig(part, dpi=120)
    part.replace(output)


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description="Validation PSNR over hours of training.")
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    draw(asked.runs, asked.output)


if __name__ == "__main__":
    main()
