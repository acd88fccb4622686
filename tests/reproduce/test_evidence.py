"""The paper's evidence on tiny photographs and two cheap methods."""

import json
from pathlib import Path

import pytest
import torch

from tests.benchmark.test_suites import photograph
from unblur.benchmark import run as run_module
from unblur.errors import Cancelled, ConfigError
from unblur.reproduce.evidence import PARTS, reproduce
from unblur.reproduce.study import QUICK_PHOTOS, QUICK_SIDE, Study, study

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photographs, the second with the most white."""
    photos = tmp_path_factory.mktemp("photos")
    for number, brightest in enumerate((150, 255, 170)):
        photograph(photos / f"p{number}.png", 66, 74, seed=number, brightest=brightest)
    return photos


def small(photos: Path, output: Path, *, quick: bool = False, methods: tuple[str, ...] = ("wiener", "dcnn")) -> Study:
    return study(
        output,
        data=None,
        photos=photos,
        split="test",
        quick=quick,
        methods=methods,
        tuned={"wiener": {"noise_to_signal": 0.02}},
        device=CPU,
    )


def test_table_1_has_all_columns_both_settings_and_the_margins(folder: Path, tmp_path: Path) -> None:
    methods = ("wiener", "richardson-lucy", "odcnn")
    reproduce("table1", small(folder, tmp_path, methods=methods), command="unblur reproduce table1")

    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert "| | disk | disk, saturated | motion | motion, saturated |" in text
    assert {row["column"] for row in rows} == {"disk", "disk-sat", "motion", "motion-sat"}
    settings = {row["entry"]: row["settings"].get("noise_to_signal") for row in rows if row["method"] == "wiener"}
    assert settings == {"wiener": 0.01, "wiener, tuned": 0.02}
    [odcnn] = [line for line in text.splitlines() if line.startswith("| odcnn |")]
    assert "| - |" not in odcnn, "there are networks for both PSFs"
    margins = [line for line in text.splitlines() if line.startswith("| `odcnn`, others")]
    assert len(margins) == 2
    tuned = {c: [r["psnr"] for r in rows if r["entry"] == c and r["column"] == "disk"] for c in settings}
    mine = [r["psnr"] for r in rows if r["entry"] == "odcnn" and r["column"] == "disk"]
    lucy = [r["psnr"] for r in rows if r["entry"] == "richardson-lucy" and r["column"] == "disk"]
    best = max(sum(lucy), sum(tuned["wiener, tuned"]))
    assert f"{(sum(mine) - best) / 3:+.2f} ±" in margins[1]
    assert "| `odcnn`" not in text.split("What the paper printed")[1]
    assert "+0.07 | +0.88 | +2.43 | +2.11 |" in text, "the paper's own margins"


def test_every_part_makes_its_pictures_and_one_report(folder: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    asked = small(folder, tmp_path)

    path = reproduce("all", asked, command="unblur <all>", told=lambda done, total, _: heard.append((done, total)))

    page = Path(path).read_text(encoding="utf-8")
    pictures = {file.name for file in tmp_path.glob("*.png")}
    assert pictures == {f"fig{end}.png" for end in ("2", "3", "3-kernels", "4", "5", "7", "8-disk-sat", "8-motion-sat")}
    assert page.count("data:image/png;base64,") == len(pictures)
    assert "unblur &lt;all&gt;" in page
    assert "<all>" not in page
    assert "A quick look" not in page
    assert asked.shown.name == "p1.png"
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert heard[-1][0] == heard[-1][1]


def test_finished_cells_are_not_computed_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Enough(Cancelled):
        """Stops the first run."""

    def stop(done: int, total: int, text: str) -> None:
        del total, text
        if done == 5:
            raise Enough

    with pytest.raises(Enough):
        reproduce("fig4", small(folder, tmp_path), command="unblur", told=stop)
    before = (tmp_path / "rows.jsonl").read_text()
    reproduce("fig4", small(folder, tmp_path), command="unblur")
    after = (tmp_path / "rows.jsonl").read_text()
    assert before
    assert after.startswith(before)
    assert len(after.splitlines()) == len({json.loads(line)["key"] for line in after.splitlines()})

    def refuse(*_: object) -> None:
        raise AssertionError("a finished cell was computed again")

    monkeypatch.setattr(run_module._Bench, "row", refuse)
    reproduce("fig4", small(folder, tmp_path), command="unblur")
    assert (tmp_path / "rows.jsonl").read_text() == after


def test_a_lost_picture_is_restored_without_a_second_row(folder: Path, tmp_path: Path) -> None:
    reproduce("fig5", small(folder, tmp_path), command="unblur")
    rows = (tmp_path / "rows.jsonl").read_text()
    kept = sorted((tmp_path / "pictures").rglob("*.png"))
    assert len(kept) == len(rows.splitlines())
    kept[0].unlink()

    reproduce("fig5", small(folder, tmp_path), command="unblur")

    assert kept[0].exists()
    assert (tmp_path / "rows.jsonl").read_text() == rows


def test_quick_takes_few_photographs_and_says_so(tmp_path: Path) -> None:
    photos = [photograph(tmp_path / "photos" / f"p{number}.png", 230, 240, seed=number) for number in range(8)]
    asked = small(tmp_path / "photos", tmp_path / "out", quick=True, methods=("wiener",))

    reproduce("fig5", asked, command="unblur")

    assert [photo.name for photo in asked.photos] == [photos[number].name for number in (1, 3, 5, 7)]
    assert len(asked.photos) == QUICK_PHOTOS
    assert "A quick look" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_text().splitlines()]
    assert {tuple(row["size"]) for row in rows} == {(QUICK_SIDE, QUICK_SIDE)}


def test_the_split_chooses_the_folder_of_the_data(tmp_path: Path) -> None:
    photograph(tmp_path / "val" / "v.png")
    photograph(tmp_path / "test" / "kodak24" / "k.png")

    def names(split: str) -> list[str]:
        asked = study(
            tmp_path / "out",
            data=tmp_path,
            photos=None,
            split=split,
            quick=False,
            methods=None,
            tuned={},
            device=CPU,
        )
        return [photo.name for photo in asked.photos]

    assert names("val") == ["v.png"]
    assert names("test") == ["k.png"]
    with pytest.raises(ConfigError, match="expected test"):
        names("train")


def test_an_unknown_part_is_refused_and_the_known_ones_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="table1, fig2, fig3, fig4, fig5, fig7, fig8 or all"):
        reproduce("fig6", small(folder, tmp_path / "out"), command="unblur")
    assert not (tmp_path / "out").exists()
    assert list(PARTS) == ["table1", "fig2", "fig3", "fig4", "fig5", "fig7", "fig8"]
