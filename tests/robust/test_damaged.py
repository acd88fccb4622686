"""Damaged and hostile files at the doors: a clean sentence or a good result, within bounds of time and memory."""

import pytest

from tests.robust.damage import damaged
from tests.robust.page import BYTES, JSON, Page
from tests.robust.posted import PAGE_TRAPS, Posted, posted
from tests.robust.samples import photographs
from tests.robust.traps import TRAPS
from tests.robust.trials import Trial, trials
from tests.robust.uploads import Uploads

COUNT = 240
"""Damaged files that are tried at every commit; the nightly command tries thousands."""
POSTED = 40
"""Requests to the page, likewise."""


def told(trial: Trial) -> str:
    return f"{trial.case} at {trial.door}: {trial.what}\n    {trial.verdict.kind}: {trial.verdict.detail}"


def test_a_damaged_file_ends_in_one_sentence_or_in_a_good_result() -> None:
    ended = list(trials([str(number) for number in range(COUNT)]))

    assert [told(trial) for trial in ended if not trial.verdict.passed] == []
    assert len(ended) == COUNT
    assert {trial.verdict.kind for trial in ended} == {"good", "refused"}, "damage that never or always shows is none"


def test_a_trap_ends_in_one_sentence_or_in_a_good_result() -> None:
    ended = list(trials(list(TRAPS)))

    assert [told(trial) for trial in ended if not trial.verdict.passed] == []
    assert [trial.case for trial in ended] == list(TRAPS)


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("restore-huge-png", "refused"),
        ("restore-line-png", "good"),
        ("restore-latin-name", "good"),
        ("restore-pipe", "refused"),
        ("state-malicious-state", "refused"),
    ],
)
def test_the_trials_tell_a_good_result_from_a_refusal(case: str, kind: str, trap_verdicts: dict[str, str]) -> None:
    assert trap_verdicts[case] == kind


@pytest.fixture(scope="module")
def trap_verdicts() -> dict[str, str]:
    names = ["restore-huge-png", "restore-line-png", "restore-latin-name", "restore-pipe", "state-malicious-state"]
    return {trial.case: trial.verdict.kind for trial in trials(names)}


def test_what_is_posted_to_the_page_ends_in_one_sentence_or_in_a_good_picture() -> None:
    cases = [*PAGE_TRAPS, *(f"page-{number}" for number in range(POSTED))]
    ended = list(trials(cases))

    assert [told(trial) for trial in ended if not trial.verdict.passed] == []
    assert [trial.case for trial in ended] == cases
    assert {trial.door for trial in ended} == {"page", "page-psf", "page-words"}
    kinds = {trial.case: trial.verdict.kind for trial in ended}
    assert {kinds[f"page-name-{name}"] for name in ("no-name", "long", "null", "not-utf8", "script")} == {"good"}
    assert {kinds[f"page-restore-{name}"] for name in ("huge-png", "empty", "huge-tiff")} == {"refused"}
    assert {kinds[f"page-{number}"] for number in range(POSTED)} == {"good", "refused"}


def test_the_judge_of_the_page_hears_a_bug_and_sees_what_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    with Uploads() as uploads:
        sound = posted("page-name-long", 0)
        assert uploads.tried(sound).kind == "good"

        monkeypatch.setattr("unblur.serve.album.Album.remove", lambda album, one: album._held.pop(one.id))
        assert uploads.tried(sound).kind == "remains"

        monkeypatch.setattr("unblur.serve.photographs.read_picture", lambda *_, **__: 1 / 0)
        assert uploads.tried(sound).kind == "trace"

        monkeypatch.setattr("unblur.serve.psfs.receive.json_received", lambda _: 1 / 0)
        words = Posted(door="page-words", what="a shape", path="{one}/psf", kind=JSON, body=b"{}")
        assert uploads.tried(words).kind == "trace"


def test_the_page_keeps_nothing_when_it_ends() -> None:
    with Page() as page:
        opened = page.ask("POST", "/photographs?name=a.png", body=photographs()["rgb.png"], kind=BYTES)
        folder = page.folder
        assert (opened.status, len(list(folder.iterdir()))) == (201, 1)

    assert not folder.exists()


def test_the_same_number_makes_the_same_damage() -> None:
    assert [damaged(number) for number in range(30)] == [damaged(number) for number in range(30)]
    assert damaged(3, seed=1) != damaged(3, seed=2)
    assert [posted(f"page-{number}", 0) for number in range(30)] == [
        posted(f"page-{number}", 0) for number in range(30)
    ]
    assert posted("page-3", 1) != posted("page-3", 2)
