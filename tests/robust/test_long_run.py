"""A process that restores picture after picture does not grow."""

import pytest

from tests.robust.long_run import ALLOWED, slope


@pytest.mark.slow
def test_a_hundred_pictures_leave_no_memory_behind() -> None:
    assert slope(100)["bytes_per_picture"] < ALLOWED
