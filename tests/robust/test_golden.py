"""No change makes a method worse unnoticed."""

import json

import pytest

from tests.robust.golden import TABLE, measured
from unblur.methods import METHODS

TOLERANCE = 0.05
"""dB by which a value may fall below the table; machines differ in the last bits."""
GOLDEN = json.loads(TABLE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_no_worse_than_the_golden_table(name: str) -> None:
    assert name in GOLDEN, "make the table anew: python -m tests.robust.golden"

    for column, value in measured(METHODS[name]).items():
        assert value > GOLDEN[name][column] - TOLERANCE, f"{name}, {column}"
