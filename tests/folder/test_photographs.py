"""Which files of a folder are restored, in which order, and under which names."""

import os
from pathlib import Path

import pytest

from unblur.folder.photographs import ENDINGS, pairs_in
from unblur.folder.record import RECORD
from unblur.io.write import FORMATS


def empty(folder: Path, *names: str) -> Path:
    """A folder with empty files of these names: only names matter here."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def named(folder: Path, output: Path, *, crop: bool = False) -> dict[str, str]:
    """Photograph → result, in order."""
    return {pair.name: pair.result for pair in pairs_in(folder, output, crop=crop)[0]}


def test_photographs_come_sorted_with_those_of_inner_folders_whose_tree_is_kept(tmp_path: Path) -> None:
    folder = empty(tmp_path / "in", "b.jpg", "a/z.png", "a/b/c.tif", "B.jpg", "a.png")

    pairs, unread = pairs_in(folder, tmp_path / "out")

    assert [pair.name for pair in pairs] == ["B.jpg", "a/b/c.tif", "a/z.png", "a.png", "b.jpg"]
    assert pairs[1].photo == folder / "a" / "b" / "c.tif"
    assert pairs[1].output == tmp_path / "out" / "a" / "b" / "c-restored.tif"
    assert unread == []


def test_files_that_are_no_photographs_and_hidden_ones_are_left_alone(tmp_path: Path) -> None:
    folder = empty(tmp_path, "a.PNG", "notes.txt", "a.xmp", ".b.png", ".thumbs/c.png", "d", "e.png.part")

    assert named(folder, tmp_path / "out") == {"a.PNG": "a-restored.PNG"}


@pytest.mark.parametrize("ending", sorted(FORMATS))
def test_every_format_that_can_be_written_is_taken(ending: str) -> None:
    assert ending in ENDINGS


def test_a_camera_s_pair_of_files_gives_two_results(tmp_path: Path) -> None:
    folder = empty(tmp_path, "a.heic", "a.jpg", "a.nef", "a.png", "a.tif")

    assert named(folder, tmp_path / "out") == {
        "a.heic": "a-heic-restored.png",
        "a.jpg": "a-restored.jpg",
        "a.nef": "a-nef-restored.tif",
        "a.png": "a-restored.png",
        "a.tif": "a-restored.tif",
    }


def test_names_that_only_some_disks_tell_apart_are_numbered(tmp_path: Path) -> None:
    folder = empty(tmp_path, "A.png", "a.png", "a-heic.png", "a.heic", "\u00e9.png", "e\u0301.png")

    results = named(folder, tmp_path / "out")

    assert results["A.png"] == "A-restored.png"
    assert results["a.png"] == "a-2-restored.png"
    assert results["a.heic"] == "a-heic-2-restored.png"
    assert {results["e\u0301.png"], results["\u00e9.png"]} == {"e\u0301-restored.png", "\u00e9-2-restored.png"}


def test_crops_are_named_as_such(tmp_path: Path) -> None:
    assert named(empty(tmp_path, "a.png"), tmp_path / "out", crop=True) == {"a.png": "a-crop-restored.png"}


def test_results_are_no_photographs_of_a_later_run(tmp_path: Path) -> None:
    folder = empty(tmp_path, "a.png", "now/a-restored.png", "before/x/b-restored.png", f"before/{RECORD}")

    assert list(named(folder, tmp_path / "now")) == ["a.png"]


def test_photographs_inside_the_folder_of_results_are_found(tmp_path: Path) -> None:
    folder = empty(tmp_path / "all" / "in", "a.png")

    assert list(named(folder, tmp_path / "all")) == ["a.png"]


def test_links_to_folders_are_not_followed_and_links_to_files_are(tmp_path: Path) -> None:
    folder = empty(tmp_path / "in", "a.png")
    empty(tmp_path / "elsewhere", "b.png")
    (folder / "round").symlink_to(folder)
    (folder / "b.png").symlink_to(tmp_path / "elsewhere" / "b.png")

    assert list(named(folder, tmp_path / "out")) == ["a.png", "b.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder = empty(tmp_path / "in", "a.png", "closed/b.png")
    (folder / "closed").chmod(0)

    pairs, unread = pairs_in(folder, tmp_path / "out")
    (folder / "closed").chmod(0o700)

    assert [pair.name for pair in pairs] == ["a.png"]
    assert len(unread) == 1
    assert "closed" in unread[0]
