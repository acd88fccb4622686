"""What all tables and figures start from: photographs, lines, a folder, and the rows that were found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from unblur.benchmark.case import Case, stored_values
from unblur.benchmark.entry import Entry
from unblur.benchmark.run import Row, kept_picture
from unblur.benchmark.suites import LIGHT_VALUE, paper_suite, photos_in
from unblur.errors import ConfigError
from unblur.reproduce.lines import Line, lines
from unblur.tensors import Image

QUICK_PHOTOS = 4
QUICK_SIDE = 192


@dataclass(frozen=True, kw_only=True)
class Job:
    """Cells that a table or figure needs."""

    cases: Sequence[Case]
    entries: Sequence[Entry]
    keep: Collection[str] = ()
    """Names of cases whose restored pictures are needed too."""


@dataclass(frozen=True)
class Study:
    """One request: what is restored, by what, and where everything goes."""

    photos: Sequence[Path]
    lines: Sequence[Line]
    folder: Path
    device: torch.device
    quick: bool = False

    @cached_property
    def cases(self) -> list[Case]:
        """The four columns of Table 1."""
        cases = paper_suite(self.photos)
        return [replace(case, side=QUICK_SIDE) for case in cases] if self.quick else cases

    @cached_property
    def shown(self) -> Path:
        """The photograph of the figures: the one with most pixels at white, as clipped light is what they are about."""

        def whites(photo: Path) -> float:
            return float((stored_values(photo).amax(dim=1) >= LIGHT_VALUE).double().mean())

        return max(self.photos, key=whites)

    def columns(self, *names: str) -> list[Case]:
        """The cases of some columns."""
        return [case for case in self.cases if case.column in names]

    def case(self, column: str) -> Case:
        """The shown photograph in one column."""
        return next(case for case in self.columns(column) if case.photo == self.shown)

    def picture(self, row: Row) -> Image:
        """What a row's restoration looks like, ``(1, 1, H, W)``, from the file that was kept."""
        return stored_values(kept_picture(self.folder, row["key"]))


def study(
    folder: Path,
    *,
    data: Path | None,
    photos: Path | None,
    split: str,
    quick: bool,
    methods: Collection[str] | None,
    tuned: Mapping[str, Mapping[str, object]],
    device: torch.device,
) -> Study:
    """A study from what a person says.

    Args:
        folder: for everything that is made; created when the work begins.
        data: holds ``val`` (photographs) and ``test/kodak24``.
        photos: a folder of sharp photographs, instead of ``data``.
        split: of ``data``: ``test`` for results, ``val`` for choices.
        quick: four photographs, a quarter of their area.
        methods: names; None takes all.
        tuned: settings by method.
        device: where the restoration runs.

    Raises:
        ConfigError: no photographs or two sources of them, an unknown split, method or setting.
    """
    if (data is None) == (photos is None):
        raise ConfigError("expected one source of photographs: --data (a folder with val/ and test/) or --photos")
    if split not in ("test", "val"):
        raise ConfigError(f"the split is {split!r}, expected test (for results) or val (for choices)")
    chosen = lines(methods, tuned)
    if photos is not None:
        found = photos_in(photos)
    else:
        assert data is not None
        found = photos_in(data / "val" if split == "val" else data / "test" / "kodak24")
    if quick and len(found) > QUICK_PHOTOS:
        found = [found[int((i + 0.5) * len(found) / QUICK_PHOTOS)] for i in range(QUICK_PHOTOS)]
    return Study(found, chosen, folder, device, quick)
