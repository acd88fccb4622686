"""A folder of photographs: what is done, skipped, refused, and what a later run makes of it."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.folder.album import album, by, done, files, looked_at, photograph
from unblur.errors import ConfigError, UnblurError
from unblur.folder.record import RECORD, Record
from unblur.folder.restoration import rows_of, work_in
from unblur.folder.row import Row
from unblur.restoration import Outcome, restore_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photographs, two of one name."""
    return album(tmp_path / "in", "a.png", "b/a.png", "c.jpg")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def states(rows: list[Row]) -> list[str]:
    return [row.state for row in rows]


def test_every_photograph_is_restored_as_it_would_be_alone(folder: Path, out: Path, tmp_path: Path) -> None:
    rows = done(folder, out)

    assert [(row.photo, row.state) for row in rows] == [
        (str(folder / name), "restored") for name in ("a.png", "b/a.png", "c.jpg")
    ]
    alone = restore_file(folder / "b" / "a.png", tmp_path / "alone.png", **by().keywords)
    assert (out / "b" / "a-restored.png").read_bytes() == alone.output.read_bytes()
    assert set(files(out)) == {"a-restored.png", "b/a-restored.png", "c-restored.jpg", RECORD}


def test_what_is_done_is_skipped_and_what_is_new_is_not(folder: Path, out: Path) -> None:
    first = done(folder, out)
    before = files(out)
    photograph(folder / "aa.png")

    rows = done(folder, out)

    assert [(Path(row.photo).name, row.state) for row in rows] == [
        ("a.png", "skipped"),
        ("aa.png", "restored"),
        ("a.png", "skipped"),
        ("c.jpg", "skipped"),
    ]
    assert (rows[0].method, rows[0].warnings) == (first[0].method, first[0].warnings)
    assert {name: content for name, content in files(out).items() if name in before and name != RECORD} == {
        name: content for name, content in before.items() if name != RECORD
    }


def test_where_all_is_done_nothing_is_written(folder: Path, out: Path) -> None:
    done(folder, out)
    before = files(out)

    rows = done(folder, out)

    assert states(rows) == ["skipped"] * 3
    assert files(out) == before


def test_a_result_that_was_removed_is_made_again(folder: Path, out: Path) -> None:
    done(folder, out)
    before = (out / "c-restored.jpg").read_bytes()
    (out / "c-restored.jpg").unlink()

    assert states(done(folder, out)) == ["skipped", "skipped", "restored"]
    assert (out / "c-restored.jpg").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"psf": "disk:3"}, "psf "),
        ({"method": "sparse"}, 'method "?wiener"?, now sparse'),
        ({"settings": {"noise_to_signal": "0.02"}}, "settings "),
        ({"transfer": "encoded"}, "transfer null, now encoded"),
        ({"white": 0.9}, "white null, now 0.9"),
        ({"strength": 2.0}, "settings "),
    ],
)
def test_other_settings_are_refused_and_change_nothing(
    change: dict[str, object], words: str, folder: Path, out: Path
) -> None:
    done(folder, out)
    before = files(out)

    with pytest.raises(ConfigError, match=f"holds 3 results of other settings.*{words}"):
        done(folder, out, by(**change))  # type: ignore[arg-type]

    assert files(out) == before


def test_settings_that_say_the_same_in_other_words_are_the_same(folder: Path, out: Path) -> None:
    done(folder, out)

    assert (
        states(done(folder, out, by(settings={"noise_to_signal": "0.010"}, tile=100, device="cpu"))) == ["skipped"] * 3
    )


def test_a_mask_counts_by_what_is_in_it(folder: Path, out: Path, tmp_path: Path) -> None:
    mask = photograph(tmp_path / "mask.png")
    done(folder, out, by(weight=mask))

    assert states(done(folder, out, by(weight=photograph(tmp_path / "same" / "mask.png")))) == ["skipped"] * 3
    with pytest.raises(ConfigError, match="weight sha256"):
        done(folder, out, by(weight=photograph(tmp_path / "mesh.png")))


def test_overwriting_makes_results_of_other_settings_anew_and_goes_on_after_a_stop(folder: Path, out: Path) -> None:
    done(folder, out)
    other, expected = by(psf="disk:3"), out.with_name("expected")
    done(folder, expected, other)
    next(rows_of(looked_at(folder, out, other, overwrite=True)))  # and no more: the run is stopped here

    assert states(done(folder, out, other, overwrite=True)) == ["skipped", "restored", "restored"]
    assert {n: c for n, c in files(out).items() if n != RECORD} == {
        n: c for n, c in files(expected).items() if n != RECORD
    }


def test_a_stranger_s_file_is_not_replaced_and_the_rest_is_restored(folder: Path, out: Path) -> None:
    out.mkdir()
    (out / "a-restored.png").write_text("precious")

    rows = done(folder, out)

    assert states(rows) == ["failed", "restored", "restored"]
    assert rows[0].error is not None
    assert "exists already and is not in the record" in rows[0].error
    assert (out / "a-restored.png").read_text() == "precious"
    assert states(done(folder, out, overwrite=True)) == ["restored", "skipped", "skipped"]


def test_a_photograph_that_was_changed_is_told_and_not_silently_skipped(folder: Path, out: Path) -> None:
    done(folder, out)
    photograph(folder / "c.jpg", size=(44, 50))

    rows = done(folder, out)

    assert states(rows) == ["skipped", "skipped", "failed"]
    assert "an earlier version of it" in str(rows[2].error)


def test_a_result_that_somebody_worked_on_is_not_replaced(folder: Path, out: Path) -> None:
    done(folder, out)
    (out / "c-restored.jpg").write_text("retouched")

    rows = done(folder, out)

    assert states(rows) == ["skipped", "skipped", "failed"]
    assert (out / "c-restored.jpg").read_text() == "retouched"


def test_what_cannot_be_restored_is_named_and_the_rest_goes_on(folder: Path, out: Path) -> None:
    (folder / "b" / "bad.png").write_text("nothing")
    photograph(folder / "small.png", size=(4, 4))

    rows = done(folder, out)

    assert states(rows) == ["restored", "restored", "failed", "restored", "failed"]
    assert [str(folder / name) in str(row.error) for name, row in (("b/bad.png", rows[2]), ("small.png", rows[4]))] == [
        True,
        True,
    ]
    assert states(done(folder, out)) == ["skipped", "skipped", "failed", "skipped", "failed"]


def test_what_the_machine_refuses_for_one_photograph_stops_only_that(folder: Path, out: Path) -> None:
    def refuse(photo: Path, *arguments: Any, **options: Any) -> Outcome:
        if photo.name == "c.jpg":
            raise MemoryError
        return restore_file(photo, *arguments, **options)

    rows = done(folder, out, partial(refuse, **by().keywords))

    assert states(rows) == ["restored", "restored", "failed"]
    assert "c.jpg: there is too little memory" in str(rows[2].error)


@pytest.mark.parametrize("kind", ["missing parent", "file", "same", "empty"])
def test_impossible_folders_are_refused_before_anything_is_written(kind: str, folder: Path, tmp_path: Path) -> None:
    output = {"missing parent": tmp_path / "no" / "out", "file": folder / "c.jpg", "same": folder}.get(
        kind, tmp_path / "out"
    )
    before = files(tmp_path)
    source = folder if kind != "empty" else tmp_path / "void"
    (tmp_path / "void").mkdir()

    with pytest.raises(ConfigError):
        looked_at(source, output)

    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "wrong", [{"method": "magic"}, {"settings": {"sharpness": 3}}, {"device": "cuda:99"}, {"strength": -1.0}]
)
def test_a_mistake_in_the_settings_is_one_error_and_not_one_for_each_photograph(
    wrong: dict[str, object], folder: Path, out: Path
) -> None:
    with pytest.raises(UnblurError):
        done(folder, out, by(**wrong))  # type: ignore[arg-type]

    assert not out.exists()


def test_the_default_folder_stands_beside_the_photographs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)

    assert work_in(Path(), None, by()).record.path.parent == folder.with_name("in-restored")


def test_results_may_lie_within_the_photographs(folder: Path) -> None:
    done(folder, folder / "out")

    assert states(done(folder, folder / "out")) == ["skipped"] * 3


def test_progress_is_told_over_the_whole_folder(folder: Path, out: Path) -> None:
    told: list[tuple[float, int, str]] = []
    list(rows_of(looked_at(folder, out), told=lambda *now: told.append(now)))

    shares = [done for done, _, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 3)
    assert {total for _, total, _ in told} == {3}
    assert any(share % 1 for share in shares)


@pytest.mark.parametrize("torn", [b'{"done": "a-restored.png", "ke', b"[]\n", b'{"key": 3, "done": "x"}\n', b"\xff\n"])
def test_damaged_rows_of_the_record_never_lead_to_a_replaced_file(torn: bytes, folder: Path, out: Path) -> None:
    done(folder, out)
    lines = (out / RECORD).read_bytes().splitlines(keepends=True)
    (out / RECORD).write_bytes(
        b"".join(line for line in lines if b'"done": "c-' not in line and b"begun" not in line) + torn
    )
    before = (out / "c-restored.jpg").read_bytes()

    rows = done(folder, out)
    photograph(folder / "d.png")
    again = done(folder, out)

    assert states(rows) == ["skipped", "skipped", "failed"]
    assert states(again) == ["skipped", "skipped", "failed", "restored"]
    assert "d-restored.png" in Record.read(out).done
    assert (out / "c-restored.jpg").read_bytes() == before


def test_the_record_says_what_was_done_with_what(folder: Path, out: Path) -> None:
    list(rows_of(looked_at(folder, out, by(transfer="encoded")), command="unblur restore in"))

    record = Record.read(out)
    row = record.done["b/a-restored.png"]
    how = record.how[row["key"]]
    assert row["photo"] == "b/a.png"
    assert (how["method"], how["transfer"], how["settings"]["noise_to_signal"]) == ("wiener", "encoded", 0.01)
    assert how["psf"].startswith("5 x 5, sha256 ")
    assert b"unblur restore in" in (out / RECORD).read_bytes()


def test_weights_are_a_part_of_the_settings(folder: Path, out: Path) -> None:
    assert looked_at(folder, out, by("universal")).how["weights"]
    assert looked_at(folder, out, by("wiener")).how["weights"] is None


def test_a_name_that_is_no_utf_8_goes_through(folder: Path, out: Path) -> None:
    try:
        os.rename(os.fsencode(folder / "c.jpg"), os.fsencode(folder) + b"/\xff.jpg")  # noqa: PTH104 - bytes are meant
    except OSError:
        pytest.skip("this disk takes UTF-8 only")

    assert states(done(folder, out)) == ["restored"] * 3
    assert states(done(folder, out)) == ["skipped"] * 3


def test_a_psf_tensor_is_told_apart_by_its_values(folder: Path, out: Path) -> None:
    psf = torch.tensor([[0, 0, 0], [0.5, 0.5, 0], [0, 0, 0]])
    done(folder, out, partial(restore_file, psf=psf, method="wiener"))

    with pytest.raises(ConfigError, match="psf 3 x 3"):
        done(folder, out, partial(restore_file, psf=psf.flip(1), method="wiener"))
