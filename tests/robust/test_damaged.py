"""Damaged and hostile files at the doors: a clean sentence or a good result, within bounds of time and memory."""

import pytest

from tests.robust.damage import damaged
from tests.robust.traps import TRAPS
from tests.robust.trials import Trial, trials

COUNT = 240
"""Damaged files that are tried at every commit; the nightly command tries thousands."""


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


def test_the_same_number_makes_the_same_damage() -> None:
    assert [damaged(number) for number in range(30)] == [damaged(number) for number in range(30)]
    assert damaged(3, seed=1) != damaged(3, seed=2)
