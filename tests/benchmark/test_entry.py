"""Names of methods with labels and settings."""

import pytest

from unblur.benchmark.entry import entries_named
from unblur.errors import ConfigError


def test_names_become_entries_with_labels_settings_and_tuned_settings() -> None:
    tuned = {"wiener": {"noise_to_signal": 0.02, "prior": "gradient"}}

    entries = entries_named(["wiener", "soft=wiener:noise_to_signal=0.5:refills=0"], tuned)

    assert [entry.label for entry in entries] == ["input", "wiener", "soft"]
    assert entries[1].all_settings() == {"noise_to_signal": 0.02, "prior": "gradient", "refills": 2}
    assert entries[2].all_settings() == {"noise_to_signal": 0.5, "prior": "gradient", "refills": 0}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["wienner"], "no method"),
        (["wiener:noise=1"], "no setting 'noise'"),
        (["wiener:refills"], "key=value"),
        (["wiener", "wiener"], "twice"),
        (["input=wiener"], "twice"),
    ],
)
def test_names_that_cannot_be_meant_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        entries_named(names)
