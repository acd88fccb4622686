"""What is compared: every method at its authors' settings and tuned, and what the paper printed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unblur.benchmark.entry import INPUT, Entry
from unblur.errors import ConfigError
from unblur.methods import METHODS

OWN = ("separable", "dcnn", "odcnn", "universal")
"""The paper's own steps and what this package adds; everything else is a rival."""


@dataclass(frozen=True, kw_only=True)
class Authors:
    """Settings that a method's authors give for photographs in general."""

    settings: Mapping[str, object]
    source: str


AUTHORS: Mapping[str, Authors] = {
    "separable": Authors(
        settings={"noise_to_signal": 1e-4},
        source="r = 1e-4 of Xu et al. (2014), section 4.1, for their Fig. 3; at 1 % noise it is far too small",
    ),
    "sparse": Authors(
        settings={"smoothness": 2.5e-4, "exponent": 0.8, "second_order": 0.25, "threshold": 0.01, "rounds": 2},
        source="the released code's demonstration: weight 0.001 times 0.1 on parabolas, which is 2.5e-4 on the "
        "derivatives' power; two reweightings",
    ),
    "hyper-laplacian": Authors(
        settings={"fidelity": 2000.0, "exponent": 0.5}, source="the released code's demonstration: λ = 2000, α = 1/2"
    ),
    "saturated-rl": Authors(
        settings={"iterations": 50, "hardness": 50.0}, source="the released code's 50 iterations and response of 50"
    ),
    "epll": Authors(
        settings={"noise": 0.01, "first_coupling": 50.0, "growth": 2.0, "rounds": 7},
        source="the released code's β = 50 · (1, 2, 4 … 64), with the true noise",
    ),
}
"""Method → what its authors set; methods that are not here have only this package's defaults.

The released code of ``outlier-em`` takes a strength of 0.003 whose scale could not be compared with ours; its noise of
5/255 is our default.
"""

PAPER: Mapping[str, tuple[float, float, float, float]] = {
    "Krishnan & Fergus (`hyper-laplacian`)": (25.94, 24.05, 25.07, 24.07),
    "Levin et al. (`sparse`)": (24.54, 24.44, 24.47, 23.58),
    "Cho et al. (`outlier-em`)": (23.97, 25.35, 24.29, 25.65),
    "Whyte et al. (`saturated-rl`)": (22.84, 24.47, 23.65, 25.54),
    "Schuler et al. (`mlp`)": (24.67, 23.14, 25.27, 24.92),
    "Schmidt et al. (`crf-cascade`)": (24.71, 24.01, 25.49, 25.33),
    "theirs (`odcnn`)": (26.01, 26.23, 27.92, 27.76),
}
"""Table 1 of Xu et al. (2014) in dB, on their pictures: disk, disk saturated, motion, motion saturated."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of Table 1."""

    entry: Entry
    standard: bool
    """It counts among the methods at their authors' settings (or, where these are not known, our defaults)."""
    tuned: bool
    """It counts among the methods at the settings that were chosen on validation pictures."""


def lines(names: Collection[str] | None, tuned: Mapping[str, Mapping[str, object]]) -> list[Line]:
    """The lines of Table 1: rivals first, each at its authors' settings and then as tuned.

    Args:
        names: of the methods to take; None takes all.
        tuned: settings by method; this package's defaults stand in for a method that is not there.

    Raises:
        ConfigError: an unknown name, or settings that a method does not have.
    """
    for name in names or ():
        if name not in METHODS:
            raise ConfigError(f"{name!r} is no method; expected one of {', '.join(METHODS)}")
    rivals = [name for name in METHODS if name not in OWN]
    wanted = [name for name in (*rivals, *OWN) if name in METHODS and (names is None or name in names)]
    return [line for name in wanted for line in _lines(name, tuned)]


def _lines(name: str, tuned: Mapping[str, Mapping[str, object]]) -> list[Line]:
    first = {"dcnn": "dcnn, separable start"}.get(name, name)
    known = AUTHORS.get(name)
    standard = Entry(
        label=f"{first}, authors'" if known else first, method=name, settings=known.settings if known else {}
    )
    chosen = Entry(
        label=f"{name}, tuned" if name in tuned else f"{name}, ours", method=name, settings=tuned.get(name, {})
    )
    found = [Line(entry=standard, standard=True, tuned=False), Line(entry=chosen, standard=False, tuned=True)]
    if chosen.all_settings() == standard.all_settings():
        found = [Line(entry=standard, standard=True, tuned=True)]
    if name == "dcnn":
        random = Entry(label="dcnn, random start", method=name, settings={"start": "random"})
        found.insert(0, Line(entry=random, standard=True, tuned=True))
    return found


def with_input(chosen: Sequence[Line]) -> list[Entry]:
    """The degraded picture itself, then the lines' entries."""
    return [Entry(label=INPUT, method=INPUT), *(line.entry for line in chosen)]


def best_settings(chosen: Sequence[Line], *, stages: Sequence[str] | None = None) -> list[Entry]:
    """One entry for each method at its tuned settings, the input first.

    Args:
        chosen: lines of Table 1.
        stages: only these methods, in this order; None takes all, of which the random start is left out.
    """
    tuned = [line.entry for line in chosen if line.tuned]
    if stages is None:
        kept = [entry for entry in tuned if entry.settings.get("start") != "random"]
    else:
        kept = [entry for name in stages for entry in tuned if entry.method == name]
    return [Entry(label=INPUT, method=INPUT), *kept]


def missing(names: Sequence[str]) -> list[str]:
    """Methods of the paper that are not listed, for want of weights."""
    return [name for name in names if name not in METHODS]


def sources(chosen: Sequence[Line]) -> dict[str, Any]:
    """Where the authors' settings of the methods in these lines come from, by method."""
    present = dict.fromkeys(line.entry.method for line in chosen)
    return {name: AUTHORS[name].source for name in present if name in AUTHORS}
