"""One line of a table: a method, its settings, and its name there."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from unblur.errors import ConfigError
from unblur.methods import METHODS

INPUT = "input"
"""Label of the rows that tell how good the blurred picture itself is."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the table: a method and its settings."""

    label: str
    """Name in the table; unique."""
    method: str
    settings: Mapping[str, object] = field(default_factory=dict)
    """What differs from the method's defaults."""

    def __post_init__(self) -> None:
        """Refuse a method that is unknown and settings that it does not have."""
        if self.method != INPUT:
            if self.method not in METHODS:
                raise ConfigError(f"{self.method!r} is no method; expected one of {', '.join(METHODS)}")
            METHODS[self.method].configured(self.settings)

    def all_settings(self) -> dict[str, Any]:
        """Every setting with its value, defaults included, so that a changed default is noticed."""
        return {} if self.method == INPUT else asdict(METHODS[self.method].configured(self.settings))


def entries_named(names: Sequence[str], tuned: Mapping[str, Mapping[str, object]] | None = None) -> list[Entry]:
    """Entries for the table, the degraded picture first.

    Args:
        names: of methods; a name may carry a label and settings, ``LABEL=METHOD:key=value:key=value``.
        tuned: settings by method, from :func:`unblur.benchmark.tune.read_tuned`; what a name says itself goes first.

    Raises:
        ConfigError: an unknown method or setting, or a label that occurs twice.
    """
    entries = [Entry(label=INPUT, method=INPUT)]
    for name in names:
        method, _, text = name.partition(":")
        label, labelled, method = method.rpartition("=")
        label = label if labelled else name
        settings: dict[str, object] = dict((tuned or {}).get(method, {}))
        for setting in filter(None, text.split(":")):
            key, equals, value = setting.partition("=")
            if not equals:
                raise ConfigError(f"{name}: {setting!r} is no setting; expected key=value")
            settings[key] = value
        entries.append(Entry(label=label, method=method, settings=settings))
    labels = [entry.label for entry in entries]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ConfigError(f"{', '.join(twice)} stands in the list twice; give each its own label, as LABEL=METHOD")
    return entries
