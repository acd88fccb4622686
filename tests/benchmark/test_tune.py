"""Settings chosen on validation cases."""

import json
from pathlib import Path

import pytest
import torch

from tests.benchmark.test_run import cases
from unblur.benchmark import tune as tune_module
from unblur.benchmark.entry import Entry
from unblur.benchmark.run import run_cases
from unblur.benchmark.tune import GRIDS, read_tuned, tune, tune_report
from unblur.errors import ConfigError
from unblur.methods import METHODS

CPU = torch.device("cpu")
SMALL = {"wiener": {"noise_to_signal": (1e-4, 5e-3, 0.5), "prior": ("flat", "gradient")}}


def test_the_setting_of_highest_mean_psnr_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune_module, "GRIDS", SMALL)
    todo = cases(tmp_path / "photos")

    chosen = tune(["wiener"], todo, tmp_path / "out", device=CPU)

    means = {}
    for value in SMALL["wiener"]["noise_to_signal"]:
        for prior in SMALL["wiener"]["prior"]:
            entry = Entry(label="x", method="wiener", settings={"noise_to_signal": value, "prior": prior})
            rows = run_cases(todo, [entry], tmp_path / f"{value}{prior}", device=CPU)
            means[value, prior] = sum(row["psnr"] for row in rows) / len(rows)
    best = max(means, key=lambda key: means[key])
    assert chosen == {"wiener": {"noise_to_signal": best[0], "prior": best[1]}}
    recorded = json.loads((tmp_path / "out" / "tuned.json").read_text())["wiener"]
    assert recorded["psnr"] == pytest.approx(means[best])
    assert (recorded["cases"], recorded["suite"], recorded["columns"]) == (2, "photos", ["disk:2"])
    assert len(recorded["trials"]) == 6


def test_choices_are_read_back_and_others_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune_module, "GRIDS", {**SMALL, "richardson-lucy": {"iterations": (2, 4)}})
    todo = cases(tmp_path / "photos", 1)

    first = tune(["wiener"], todo, tmp_path / "out", device=CPU)
    text = tune_report(["richardson-lucy"], todo, tmp_path / "out", device=CPU)

    tuned = read_tuned(tmp_path / "out" / "tuned.json")
    assert tuned["wiener"] == first["wiener"]
    assert tuned["richardson-lucy"]["iterations"] in (2, 4)
    assert f"iterations {tuned['richardson-lucy']['iterations']}" in text


@pytest.mark.parametrize("method", [name for name in GRIDS if name in METHODS])
def test_every_grid_holds_settings_that_its_method_has(method: str) -> None:
    for entry in tune_module._trials(method):
        METHODS[method].configured(entry.settings)


def test_a_method_without_a_grid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to tune"):
        tune(["odcnn"], [], tmp_path, device=CPU)


@pytest.mark.parametrize("text", ["[1]", '{"wiener": 3}', "{"])
def test_a_file_without_choices_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "tuned.json").write_text(text)

    with pytest.raises(ConfigError, match="--tune"):
        read_tuned(tmp_path / "tuned.json")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_tuned(tmp_path / "tuned.json")
