"""Commands that are killed or stopped go on to the result that they would have had."""

import pytest

from tests.robust.jobs import JOBS
from tests.robust.killed import Way, kills


@pytest.mark.parametrize("kind", JOBS)
def test_work_that_is_killed_and_begun_again_ends_as_if_left_in_peace(kind: str) -> None:
    ended = list(kills(kind, 1))

    assert [end["wrong"] for end in ended] == [None]
    assert ended[0]["ended"] == "killed"


def test_ctrl_c_leaves_a_clean_state_and_says_how_to_go_on() -> None:
    ended = list(kills("benchmark", 1, way="stop"))

    assert [end["wrong"] for end in ended] == [None]
    assert ended[0]["ended"] == "stopped"


@pytest.mark.slow
@pytest.mark.parametrize("way", ["kill", "stop"])
@pytest.mark.parametrize("kind", JOBS)
def test_work_that_is_ended_at_many_moments_ends_as_if_left_in_peace(kind: str, way: Way) -> None:
    ended = list(kills(kind, 12, seed=1, way=way))

    assert [end["wrong"] for end in ended] == [None] * 12
