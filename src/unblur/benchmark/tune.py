"""Settings chosen by trial: the best mean PSNR on validation cases decides, and is written down with its trials."""

import itertools
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from unblur.benchmark.case import Case
from unblur.benchmark.entry import Entry
from unblur.benchmark.run import Told, run_cases
from unblur.errors import ConfigError
from unblur.methods import METHODS

TUNED = "tuned.json"
Grid = Mapping[str, Sequence[object]]
NOISE_TO_SIGNAL = (3e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 2e-2, 3e-2, 5e-2, 1e-1)
SMOOTHNESS = (2e-4, 4e-4, 8e-4, 1.6e-3, 3e-3)

GRIDS: dict[str, Grid] = {
    "wiener": {"noise_to_signal": NOISE_TO_SIGNAL, "prior": ("flat", "gradient")},
    "richardson-lucy": {"iterations": (5, 10, 15, 20, 30, 50, 70, 100)},
    "sparse": {"smoothness": SMOOTHNESS},
    "hyper-laplacian": {"fidelity": (300.0, 600.0, 1000.0, 2000.0, 4000.0, 8000.0)},
    "outlier-em": {"smoothness": SMOOTHNESS},
    "saturated-rl": {"iterations": (5, 10, 20, 30, 50, 100)},
    "separable": {"noise_to_signal": NOISE_TO_SIGNAL},
    "epll": {"noise": (0.005, 0.01, 0.02)},
}
"""Method → setting → values to try, every combination of them."""


def tune(
    methods: Sequence[str], cases: Sequence[Case], folder: Path, *, device: torch.device, told: Told | None = None
) -> dict[str, dict[str, object]]:
    """Choose each method's settings by trying its grid on validation cases.

    One choice serves all columns, as a person would have to choose without knowing the answer. The trials are rows
    of ``folder/rows.jsonl`` like any other and are not repeated; the choices go to ``folder/tuned.json`` and leave
    those of other methods there as they are.

    Args:
        methods: names with an entry in :data:`GRIDS`.
        cases: for validation; never those of the results.
        folder: for the rows and the choices.
        device: where the restoration runs.
        told: hears of the progress.

    Returns:
        The chosen settings by method.

    Raises:
        ConfigError: a method has no grid, or refuses every case.
    """
    for method in methods:
        if method not in GRIDS:
            raise ConfigError(f"{method} has nothing to tune; expected one of {', '.join(GRIDS)}")
    trials = {method: list(_trials(method)) for method in methods}
    rows = run_cases(cases, [entry for some in trials.values() for entry in some], folder, device=device, told=told)
    chosen = {method: _best(method, some, rows) for method, some in trials.items()}
    path = folder / TUNED
    recorded = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps({**recorded, **chosen}, indent=2) + "\n", encoding="utf-8")
    part.replace(path)
    return {method: choice["settings"] for method, choice in chosen.items()}


def tune_report(
    methods: Sequence[str], cases: Sequence[Case], folder: Path, *, device: torch.device, told: Told | None = None
) -> str:
    """:func:`tune`, told in words: one line for each method."""
    return tune_lines(tune(methods, cases, folder, device=device, told=told), folder)


def tune_lines(chosen: Mapping[str, Mapping[str, object]], folder: Path) -> str:
    """One line for each method, and one that says where they are."""
    lines = [f"{method}: " + ", ".join(f"{key} {value}" for key, value in s.items()) for method, s in chosen.items()]
    return "\n".join([*lines, f"written to {folder / TUNED}"])


def read_tuned(path: Path) -> dict[str, dict[str, object]]:
    """Settings by method from a file that :func:`tune` wrote.

    Raises:
        ConfigError: the file is missing or is none of these.
    """
    try:
        choices = json.loads(path.read_text(encoding="utf-8"))
        return {method: dict(choice["settings"]) for method, choice in choices.items()}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); expected a file from --tune") from None
    except (ValueError, AttributeError, KeyError, TypeError):
        raise ConfigError(f"{path}: holds no tuned settings; expected a file from --tune") from None


def _trials(method: str) -> Iterator[Entry]:
    """An entry for every combination of the grid that the method knows."""
    grid = GRIDS[method]
    for values in itertools.product(*grid.values()):
        settings: dict[str, Any] = dict(zip(grid, values, strict=True))
        label = f"{method}:" + ",".join(f"{key}={value}" for key, value in settings.items())
        yield Entry(label=label, method=method, settings=settings)


def _best(method: str, trials: Sequence[Entry], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The trial of highest mean PSNR, with all the means."""
    means: dict[str, float] = {}
    for trial in trials:
        values = [row["psnr"] for row in rows if row["entry"] == trial.label]
        if not values:
            raise ConfigError(f"{METHODS[method].name} refuses every case; there is nothing to tune it on")
        means[trial.label] = statistics.fmean(values)
    best = max(trials, key=lambda trial: means[trial.label])
    mine = [row for row in rows if row["entry"] == best.label]
    return {
        "settings": dict(best.settings),
        "psnr": means[best.label],
        "suite": mine[0]["suite"],
        "columns": sorted({row["column"] for row in mine}),
        "cases": len(mine),
        "trials": means,
    }
