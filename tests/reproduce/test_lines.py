"""Which lines Table 1 has."""

import pytest

from unblur.errors import ConfigError
from unblur.methods import METHODS
from unblur.reproduce.lines import AUTHORS, best_settings, lines


def test_every_method_is_there_and_labels_are_unique() -> None:
    found = lines(None, {})

    assert {line.entry.method for line in found} == set(METHODS)
    labels = [line.entry.label for line in found]
    assert len(labels) == len(set(labels))


def test_each_method_has_exactly_one_line_of_each_kind_but_dcnn_its_two_starts() -> None:
    found = lines(None, {"sparse": {"smoothness": 0.001}})

    for kind in ("standard", "tuned"):
        methods = [line.entry.method for line in found if getattr(line, kind)]
        assert sorted(methods) == sorted([*METHODS, "dcnn"])


def test_equal_settings_make_one_line() -> None:
    [line] = lines(["saturated-rl"], {"saturated-rl": {"iterations": 50}})

    assert line.standard
    assert line.tuned


def test_tuned_settings_make_a_line_of_their_own() -> None:
    authors, tuned = lines(["hyper-laplacian"], {"hyper-laplacian": {"fidelity": 600.0}})

    assert authors.entry.all_settings()["exponent"] == 0.5
    assert tuned.entry.all_settings()["fidelity"] == 600.0
    assert (authors.tuned, tuned.standard) == (False, False)


def test_stages_come_in_the_papers_order() -> None:
    found = best_settings(lines(None, {}), stages=("separable", "dcnn", "odcnn"))

    assert [entry.method for entry in found] == ["input", "separable", "dcnn", "dcnn", "odcnn"]
    assert [entry.settings.get("start") for entry in found[2:4]] == ["random", None]


@pytest.mark.parametrize("name", [name for name in AUTHORS if name in METHODS])
def test_authors_settings_are_settings_of_the_method(name: str) -> None:
    METHODS[name].configured(AUTHORS[name].settings)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ConfigError, match="'wienner' is no method"):
        lines(["wienner"], {})
