"""Every method on pictures and PSFs of every shape, type and layout, sound and unsound."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.robust.ordeal import Ordeal, failure, ordeals
from unblur.methods import METHODS

EXAMPLES = 12
"""Of each method at every commit; the nightly command tries more."""


@pytest.mark.parametrize("name", METHODS)
@settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_a_picture_comes_back_sound_or_is_refused_in_one_sentence(name: str, data: st.DataObject) -> None:
    assert failure(data.draw(ordeals(name))) is None


def test_ordeals_are_of_all_kinds() -> None:
    seen: list[Ordeal] = []

    @settings(max_examples=400, database=None, derandomize=True, phases=[Phase.generate])
    @given(ordeals("wiener"))
    def look(ordeal: Ordeal) -> None:
        seen.append(ordeal)

    look()

    for field, least in (("dtype", 5), ("layout", 7), ("container", 3), ("flaw", 6), ("psf", 9), ("content", 6)):
        assert len({getattr(ordeal, field) for ordeal in seen}) >= least, field
