"""Work that is killed goes on to the result that it would have had."""

import pytest

from tests.robust.killed import JOBS, kills


@pytest.mark.parametrize("kind", JOBS)
def test_work_that_is_killed_and_begun_again_ends_as_if_left_in_peace(kind: str) -> None:
    ended = list(kills(kind, 1))

    assert [end["wrong"] for end in ended] == [None]


@pytest.mark.slow
@pytest.mark.parametrize("kind", JOBS)
def test_work_that_is_killed_at_many_moments_ends_as_if_left_in_peace(kind: str) -> None:
    ended = list(kills(kind, 12, seed=1))

    assert [end["wrong"] for end in ended] == [None] * 12
