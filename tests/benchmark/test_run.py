"""Rows: written once, kept, resumed, and right."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

import unblur
from unblur.benchmark.case import Case, pair_of
from unblur.benchmark.entry import Entry
from unblur.benchmark.run import read_rows, run_cases
from unblur.benchmark.suites import folder_suite
from unblur.degrade.camera import Camera
from unblur.errors import Cancelled, ConfigError
from unblur.methods import METHODS
from unblur.metrics import psnr, ssim
from unblur.weights import Card, Weights

CPU = torch.device("cpu")
INPUT = Entry(label="input", method="input")
CALM = Entry(label="calm", method="wiener", settings={"noise_to_signal": 0.1})
SHARP = Entry(label="sharp", method="wiener", settings={"noise_to_signal": 0.003})


def cases(folder: Path, count: int = 2, **camera: Any) -> list[Case]:
    """Small photographs under a small disk."""
    photos = []
    folder.mkdir(exist_ok=True)
    for number in range(count):
        coarse = np.random.default_rng(number).integers(20, 230, (6, 8, 3), dtype=np.uint8)
        path = folder / f"p{number}.png"
        PillowImage.fromarray(coarse).resize((44, 36), PillowImage.Resampling.NEAREST).save(path)
        photos.append(path)
    return folder_suite(photos, ["disk:2"], Camera(**{"noise": 0.005, **camera}), grey=True)


def test_every_case_and_entry_has_its_row_with_all_that_is_needed_to_repeat_it(tmp_path: Path) -> None:
    todo = cases(tmp_path / "photos")

    rows = run_cases(todo, [INPUT, CALM, SHARP], tmp_path / "out", device=CPU)

    assert [(row["photo"], row["entry"]) for row in rows] == [
        (f"p{number}.png", entry) for number in (0, 1) for entry in ("input", "calm", "sharp")
    ]
    assert read_rows(tmp_path / "out" / "rows.jsonl") == rows
    row = rows[2]
    assert row["settings"]["noise_to_signal"] == 0.003
    assert row["settings"]["prior"] == "flat", "defaults are written down too"
    assert (row["psf"], row["seed"], row["camera"]["noise"], row["size"]) == ("disk:2", 0, 0.005, [32, 40])
    assert row["seconds"] > 0
    assert row["version"]


def test_a_row_tells_the_psnr_and_ssim_without_half_a_psf(tmp_path: Path) -> None:
    [case] = cases(tmp_path / "photos", 1)

    rows = run_cases([case], [INPUT, SHARP], tmp_path / "out", device=CPU)

    pair = pair_of(case)
    method = METHODS["wiener"]
    restored = method.build(CPU, method.configured(SHARP.settings))(pair.blurred, pair.psf)
    inside = (..., slice(2, -2), slice(2, -2))
    for row, image in zip(rows, (pair.blurred, restored), strict=True):
        assert row["psnr"] == pytest.approx(psnr(image[inside], pair.sharp[inside]).item(), abs=1e-3)
        assert row["ssim"] == pytest.approx(ssim(image[inside], pair.sharp[inside]).item(), abs=1e-4)
    assert rows[1]["psnr"] > rows[0]["psnr"] + 1


def test_linear_light_is_restored_in_linear_light(tmp_path: Path) -> None:
    [case] = cases(tmp_path / "photos", 1, transfer="linear", noise=0.0)
    # The same blur handed over as numbers of linear light, so that nothing is decoded.
    wrong = replace(case, camera=replace(case.camera, transfer="encoded"))

    [right_row] = run_cases([case], [SHARP], tmp_path / "right", device=CPU)
    pair = pair_of(case)
    method = METHODS["wiener"]
    in_stored_light = method.build(CPU, method.configured(SHARP.settings))(pair.blurred, pair.psf)

    assert right_row["psnr"] > psnr(in_stored_light, pair.sharp, crop=2).item() + 0.5
    assert not torch.equal(pair_of(wrong).blurred, pair.blurred)


def test_a_method_of_one_light_works_in_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [case] = cases(tmp_path / "photos", 1, transfer="linear")
    seen: list[torch.Tensor] = []

    def spy(device: torch.device, settings: object) -> Any:
        del device, settings

        def deconvolve(blurred: torch.Tensor, psf: torch.Tensor, **_: object) -> torch.Tensor:
            del psf
            seen.append(blurred)
            return blurred

        return deconvolve

    monkeypatch.setitem(METHODS, "wiener", replace(METHODS["wiener"], transfer="encoded", build=spy))

    run_cases([case], [CALM], tmp_path / "out", device=CPU)

    torch.testing.assert_close(seen[0], pair_of(case).blurred)


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let wiener note each restoration."""
    calls: list[str] = []
    method = METHODS["wiener"]

    def build(device: torch.device, settings: Any) -> Any:
        deconvolve = method.build(device, settings)

        def counted(*args: Any, **more: Any) -> Any:
            calls.append(str(settings.noise_to_signal))
            return deconvolve(*args, **more)

        return counted

    monkeypatch.setitem(METHODS, "wiener", replace(method, build=build))
    return calls


def test_finished_rows_are_kept_and_only_new_ones_are_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counting(monkeypatch)
    todo = cases(tmp_path / "photos")
    first = run_cases(todo, [CALM], tmp_path / "out", device=CPU)

    again = run_cases(todo, [CALM, SHARP], tmp_path / "out", device=CPU)

    assert calls == ["0.1", "0.1", "0.003", "0.003"]
    assert [row for row in again if row["entry"] == "calm"] == first


@pytest.mark.parametrize("change", ["settings", "camera", "photograph", "version"])
def test_what_changed_is_restored_anew(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counting(monkeypatch)
    todo = cases(tmp_path / "photos", 1)
    run_cases(todo, [CALM], tmp_path / "out", device=CPU)

    entry = CALM
    if change == "settings":
        entry = replace(CALM, settings={"noise_to_signal": 0.1, "refills": 1})
    elif change == "camera":
        todo = cases(tmp_path / "photos", 1, noise=0.01)
    elif change == "photograph":
        PillowImage.new("L", (44, 36), 99).save(tmp_path / "photos" / "p0.png")
    else:
        monkeypatch.setattr(unblur, "__version__", "99")
    run_cases(todo, [entry], tmp_path / "out", device=CPU)

    assert len(calls) == 2


def test_a_run_that_was_stopped_keeps_its_rows_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counting(monkeypatch)
    todo = cases(tmp_path / "photos", 3)

    def stop(done: int, total: int, text: str) -> None:
        assert total == 3
        assert text
        if done == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run_cases(todo, [CALM], tmp_path / "out", device=CPU, told=stop)
    assert len(read_rows(tmp_path / "out" / "rows.jsonl")) == 2

    rows = run_cases(todo, [CALM], tmp_path / "out", device=CPU)

    assert len(rows) == len(calls) == 3


@pytest.mark.parametrize("cut", [1, 30])
def test_a_torn_last_line_is_mended(cut: int, tmp_path: Path) -> None:
    todo = cases(tmp_path / "photos")
    path = tmp_path / "out" / "rows.jsonl"
    whole = run_cases(todo, [CALM], tmp_path / "out", device=CPU)
    path.write_bytes(path.read_bytes()[:-cut])

    rows = run_cases(todo, [CALM], tmp_path / "out", device=CPU)

    lines = path.read_text().splitlines()
    assert [json.loads(line)["case"] for line in lines] == [row["case"] for row in whole]
    assert [row["psnr"] for row in rows] == [row["psnr"] for row in whole]


def test_a_damaged_line_in_the_middle_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"key": "a"}\n{"key"\n{"key": "b"}\n')

    with pytest.raises(ConfigError, match="line 2"):
        read_rows(tmp_path / "rows.jsonl")


def test_a_method_that_refuses_the_psf_has_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(type(METHODS["wiener"])):  # type: ignore[misc]
        def refusal(self, psf: object, settings: object = None) -> str:
            del psf, settings
            return "knows no disk"

    original = METHODS["wiener"]
    values = {name: getattr(original, name) for name in original.__dataclass_fields__}
    monkeypatch.setitem(METHODS, "wiener", Refusing(**values))

    rows = run_cases(cases(tmp_path / "photos", 1), [INPUT, CALM], tmp_path / "out", device=CPU)

    assert [row["entry"] for row in rows] == ["input"]


def test_the_first_photograph_is_kept_as_pictures(tmp_path: Path) -> None:
    run_cases(cases(tmp_path / "photos"), [INPUT, CALM], tmp_path / "out", device=CPU)

    folder = tmp_path / "out" / "pictures" / "photos" / "disk_2"
    assert {path.name for path in folder.iterdir()} == {"sharp.png", "input.png", "calm.png"}
    with PillowImage.open(folder / "calm.png") as picture:
        assert picture.size == (40, 32)


def test_new_weights_of_a_method_for_any_psf_make_new_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [case] = cases(tmp_path / "photos", 1)
    card = Card(
        network="w", sizes={}, psf="any", start="random", transfer="any", recipe={}, photographs=0, sha256="first"
    )
    weights = Weights(card=card, psf=torch.ones(1, 1), tensors={})
    method = METHODS["wiener"]
    for digest in ("first", "second", "second"):
        learned = partial(_learned, replace(weights, card=replace(card, sha256=digest)))
        monkeypatch.setitem(METHODS, "wiener", replace(method, learned=learned))
        run_cases([case], [CALM], tmp_path / "out", device=CPU)

    rows = read_rows(tmp_path / "out" / "rows.jsonl")
    assert [row["weights"] for row in rows] == ["first", "second"]


def _learned(weights: Weights, settings: object) -> Weights:
    del settings
    return weights
