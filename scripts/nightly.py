"""The hardness of the whole, tried by the thousand: damaged files, ordeals, kills, a long run; a report at the end.

    make nightly

or ``PYTHONPATH=. python scripts/nightly.py -o runs/nightly [--damaged N] [--ordeals N] [--kills N] [--pictures N]``.
Every number of a damaged file stands for the same file under the same ``--seed``. Exit code 1 if anything failed.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from tests.robust.killed import JOBS, kills
from tests.robust.long_run import ALLOWED, slope
from tests.robust.ordeal import Ordeal, failure, ordeals
from tests.robust.traps import TRAPS
from tests.robust.trials import trials

from unblur.methods import METHODS


@dataclass
class Tally:
    """What one part tried."""

    part: str
    tried: int = 0
    failed: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    note: str = ""

    def count(self, end: str, wrong: str | None) -> None:
        """One more trial; ``wrong`` says why it failed."""
        self.tried += 1
        self.ends[end] += 1
        if wrong is not None:
            self.failed += 1
            self.failures.append(wrong)


def damaged_files(count: int, seed: int) -> Tally:
    """All traps and so many damaged files, at their doors."""
    tally, peak = Tally("damaged files and traps"), 0
    for trial in trials([*TRAPS, *map(str, range(count))], seed=seed):
        verdict = trial.verdict
        wrong = f"{trial.door} {trial.case} ({trial.what}): {verdict.kind}: {verdict.detail}"
        tally.count(f"{trial.door}, {verdict.kind}", None if verdict.passed else wrong)
        peak = max(peak, trial.peak)
    tally.note = f"a child held at most {peak / 1e6:.0f} MB"
    return tally


def ordeals_of_methods(count: int, seed: int) -> Tally:
    """So many ordeals, shared among all methods."""
    tally = Tally("ordeals of the methods")
    torch.set_num_threads(1)
    for name in METHODS:
        _ordeals_of(name, -(-count // len(METHODS)), seed, tally)
    return tally


def _ordeals_of(name: str, count: int, seed: int, tally: Tally) -> None:
    @seeded(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(ordeals(name))
    def look(ordeal: Ordeal) -> None:
        try:
            wrong = failure(ordeal)
        except Exception as error:  # anything is a finding
            wrong = repr(error)
        tally.count(name, None if wrong is None else f"{ordeal}: {wrong}")

    look()


def killed_jobs(count: int, seed: int) -> Iterator[Tally]:
    """So many kills of each job."""
    for kind in JOBS:
        tally = Tally(f"kills: {kind}")
        for end in kills(kind, count, seed=seed):
            wrong = end["wrong"] and f"killed after {end['at']:.0%} of the work: {end['wrong']}"
            tally.count("resumed" if wrong is None else "lost", wrong)
        yield tally


def long_run(count: int) -> Tally:
    """The memory that each of many pictures leaves behind."""
    tally, found = Tally("memory over many pictures"), slope(count)
    tally.note = f"{found['bytes_per_picture']:.0f} bytes a picture, {found['held'] / 1e6:.0f} MB at the end"
    tally.count("run", None if found["bytes_per_picture"] < ALLOWED else tally.note)
    tally.tried = count
    return tally


def report(tallies: list[Tally], seconds: float, seed: int) -> str:
    """The tallies as Markdown."""
    total, failed = sum(tally.tried for tally in tallies), sum(tally.failed for tally in tallies)
    lines = ["# Hard to break", "", f"{total} tried, {failed} failed; seed {seed}, {seconds / 60:.0f} minutes.", ""]
    lines += ["| part | tried | failed | |", "|---|---:|---:|---|"]
    lines += [f"| {tally.part} | {tally.tried} | {tally.failed} | {tally.note} |" for tally in tallies]
    for tally in tallies:
        ends = ", ".join(f"{end} {count}" for end, count in sorted(tally.ends.items()))
        lines += ["", f"## {tally.part}", "", ends, *(f"- {text}" for text in tally.failures)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Try everything; 1 if anything failed."""
    parser = argparse.ArgumentParser(description="Try the whole by the thousand.")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/nightly"))
    parser.add_argument("--damaged", type=int, default=4000)
    parser.add_argument("--ordeals", type=int, default=1500)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()) // 86400)
    asked = parser.parse_args()
    begun, tallies = time.monotonic(), list[Tally]()
    asked.output.mkdir(parents=True, exist_ok=True)

    def done(tally: Tally) -> None:
        tallies.append(tally)
        part = asked.output / "report.md.part"
        part.write_text(report(tallies, time.monotonic() - begun, asked.seed), encoding="utf-8")
        part.replace(asked.output / "report.md")
        print(json.dumps({"part": tally.part, "tried": tally.tried, "failed": tally.failed}), flush=True)  # noqa: T201

    if asked.damaged:
        done(damaged_files(asked.damaged, asked.seed))
    if asked.ordeals:
        done(ordeals_of_methods(asked.ordeals, asked.seed))
    for tally in killed_jobs(asked.kills, asked.seed) if asked.kills else ():
        done(tally)
    if asked.pictures:
        done(long_run(asked.pictures))
    return int(any(tally.failed for tally in tallies))


if __name__ == "__main__":
    raise SystemExit(main())
