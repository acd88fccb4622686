"""Hard to break, tried by the thousand: damaged files, ordeals, kills, Ctrl-C, a long run, a crowd; a report.

    make nightly

or ``PYTHONPATH=. python scripts/nightly.py -o runs/nightly [--damaged N] [--posted N] [--ordeals N] [--kills N]
[--stops N] [--pictures N] [--clients N]``; 0 leaves a part out. The report is written anew after each part, so that a
run cut short leaves one.
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
from tests.robust.jobs import JOBS
from tests.robust.killed import DONE, UNHEARD, Way, kills
from tests.robust.long_run import ALLOWED, slope
from tests.robust.ordeal import Ordeal, failure, ordeals
from tests.robust.posted import PAGE_TRAPS
from tests.robust.traps import TRAPS
from tests.robust.trials import trials
from tests.serve import load as page_load

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
    begun: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def count(self, end: str, wrong: str | None) -> None:
        """One more trial; ``wrong`` says why it failed."""
        self.tried += 1
        self.ends[end] += 1
        if wrong is not None:
            self.failed += 1
            self.failures.append(wrong)


def damaged_files(count: int, seed: int) -> Tally:
    """All traps and so many damaged files, at their doors."""
    return _tried(Tally("damaged files and traps"), [*TRAPS, *map(str, range(count))], seed)


def requests_to_the_page(count: int, seed: int) -> Tally:
    """The traps and so many damaged files and JSON requests, posted to one page."""
    cases = [*PAGE_TRAPS, *(f"page-{number}" for number in range(count))]
    return _tried(Tally("damage and traps posted to the page"), cases, seed)


def _tried(tally: Tally, cases: list[str], seed: int) -> Tally:
    peak = 0
    for trial in trials(cases, seed=seed):
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


def jobs_cut_short(count: int, seed: int, way: Way) -> Iterator[Tally]:
    """End each job early so many times."""
    for kind in JOBS:
        tally = Tally(f"{'SIGKILL' if way == 'kill' else 'Ctrl-C'}: {kind}")
        for end in kills(kind, count, seed=seed, way=way):
            wrong = end["wrong"] and f"{end['ended']} after {end['at']:.0%} of the work: {end['wrong']}"
            tally.count(end["ended"], wrong)
        early = tally.tried - tally.ends[DONE] - tally.ends[UNHEARD]
        if early < count:
            tally.failed += 1
            tally.failures.append(f"ended early {early} times, not {count}")
        yield tally


def long_run(count: int) -> Tally:
    """The memory that each of many pictures leaves behind."""
    tally, found = Tally("memory over many pictures"), slope(count)
    tally.note = f"{found['bytes_per_picture']:.0f} bytes a picture over the second half; {found['held_over_time']}"
    tally.count("run", None if found["bytes_per_picture"] < ALLOWED else tally.note)
    tally.tried = count
    return tally


def page_under_load(clients: int) -> Tally:
    """So many people at the page at once, for two minutes."""
    tally = Tally("clients at the page")
    found = page_load.load(clients, 120)
    tally.ends.update(found["answered"])
    tally.failures = [*found["lost"], *(f"left behind: {path}" for path in found["left"])]
    memory = found["memory"]
    if memory["peak"] > page_load.ALLOWED:
        tally.failures.append(f"the server held {memory['peak'] / 1e6:.0f} MB")
    tally.failed, tally.tried = len(tally.failures), found["requests"] + len(found["lost"])
    tally.note = f"{clients} at once; the server held at most {memory['peak'] / 1e6:.0f} MB"
    return tally


def report(tallies: list[Tally], seconds: float, seed: int) -> str:
    """The tallies as Markdown."""
    total, failed = sum(tally.tried for tally in tallies), sum(tally.failed for tally in tallies)
    lines = ["# Hard to break", "", f"{total} tried, {failed} failed; seed {seed}, {seconds / 60:.0f} minutes.", ""]
    lines += ["| part | tried | failed | minutes | |", "|---|---:|---:|---:|---|"]
    lines += [f"| {t.part} | {t.tried} | {t.failed} | {t.seconds / 60:.1f} | {t.note} |" for t in tallies]
    for tally in tallies:
        ends = ", ".join(f"{end} {count}" for end, count in sorted(tally.ends.items()))
        lines += ["", f"## {tally.part}", "", ends, "", *(f"- {text}" for text in tally.failures)]
    return "\n".join(lines) + "\n"


def _parts(asked: argparse.Namespace) -> Iterator[Tally]:
    """All parts that were asked for, one after the other."""
    if asked.damaged:
        yield damaged_files(asked.damaged, asked.seed)
    if asked.posted:
        yield requests_to_the_page(asked.posted, asked.seed)
    if asked.ordeals:
        yield ordeals_of_methods(asked.ordeals, asked.seed)
    if asked.kills:
        yield from jobs_cut_short(asked.kills, asked.seed, "kill")
    if asked.stops:
        yield from jobs_cut_short(asked.stops, asked.seed, "stop")
    if asked.pictures:
        yield long_run(asked.pictures)
    if asked.clients:
        yield page_under_load(asked.clients)


def main() -> int:
    """Try everything; 1 if anything failed."""
    parser = argparse.ArgumentParser(description="Try the whole by the thousand.")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/nightly"))
    parser.add_argument("--damaged", type=int, default=4000)
    parser.add_argument("--posted", type=int, default=2000)
    parser.add_argument("--ordeals", type=int, default=1500)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--stops", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()) // 86400)
    asked = parser.parse_args()
    begun, tallies = time.monotonic(), list[Tally]()
    asked.output.mkdir(parents=True, exist_ok=True)

    for tally in _parts(asked):
        tallies.append(tally)
        tally.seconds = time.monotonic() - tally.begun
        part = asked.output / "report.md.part"
        part.write_text(report(tallies, time.monotonic() - begun, asked.seed), encoding="utf-8")
        part.replace(asked.output / "report.md")
        print(json.dumps({"part": tally.part, "tried": tally.tried, "failed": tally.failed}), flush=True)  # noqa: T201
    return int(any(tally.failed for tally in tallies))


if __name__ == "__main__":
    raise SystemExit(main())
