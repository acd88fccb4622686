"""Many trials in a child process that may die: bounded in memory, in seconds for each, and watched.

``python -m tests.robust.trials COUNT [SEED]`` tries so many damaged files and so many requests to the
page, and says what failed.
"""

import dataclasses
import json
import resource
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any

from tests.robust.damage import damaged
from tests.robust.posted import PAGE_TRAPS, posted
from tests.robust.traps import TRAPS
from tests.robust.trial import Verdict, tried
from tests.robust.uploads import Uploads

SECONDS = 10
"""Of computing that a trial may take; the kernel ends it then."""
STILL = 20.0
"""Seconds without any computing after which a trial is taken to wait for ever."""
MEMORY = 1_500_000_000
"""Bytes of address space beyond what the libraries take."""
ROOT = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """What was tried, and how it ended."""

    case: str
    """A number, or the name of a trap."""
    door: str
    what: str
    verdict: Verdict
    peak: int = 0
    """Most memory that the child has held so far, bytes."""


def trials(cases: Sequence[str], *, seed: int = 0) -> Iterator[Trial]:
    """Try cases, numbers or names of traps, in their order; a child that dies or hangs is followed by another."""
    left = list(cases)
    while left:
        for done in _in_one_child(left, seed):
            left.pop(0)
            yield done


def _in_one_child(cases: Sequence[str], seed: int) -> Iterator[Trial]:
    """Until the child has tried all, or ended otherwise: then its last case is told as failed."""
    command = [sys.executable, "-m", "tests.robust.trials", "--child", str(seed)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write("\n".join(cases) + "\n")
        child.stdin.close()
        begun: dict[str, Any] = {"case": cases[0], "door": "", "what": "before the first trial"}
        still = False
        try:
            while line := _line(child.stdout, child.pid):
                told = json.loads(line)
                begun = {} if "verdict" in told else told
                if not begun:
                    yield Trial(**{**told, "verdict": Verdict(**told["verdict"])})
            still = line is None
        finally:
            if still:
                child.kill()
            code = child.wait()
        if begun:
            yield Trial(**begun, verdict=_died(code, still=still))


def _line(stdout: IO[str], pid: int) -> str | None:
    """The next line, empty at the end; None once the child neither says nor does anything for long."""
    before = -1
    while not select.select([stdout], [], [], STILL)[0]:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        used = int(fields[11]) + int(fields[12])  # ticks of user and system time: a busy machine is no hang
        if used == before:
            return None
        before = used
    return stdout.readline()


def _died(code: int, *, still: bool) -> Verdict:
    if still or code == -signal.SIGXCPU:
        return Verdict(kind="hang", detail=f"still at work after {SECONDS} s")
    return Verdict(kind="crash", detail=f"the process ended with {code}")


def _child(seed: int) -> None:
    """Try what stdin names, one by one."""
    cases = sys.stdin.read().split()
    with ExitStack() as end:
        uploads = end.enter_context(Uploads()) if any(map(_is_posted, cases)) else None  # one page for all
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
        for case in cases:
            with tempfile.TemporaryDirectory() as name:
                door, what, judge = _made(case, seed, Path(name), uploads)
                begun = {"case": case, "door": door, "what": what}
                print(json.dumps(begun), flush=True)  # noqa: T201 - the parent reads it
                used = resource.getrusage(resource.RUSAGE_SELF)
                last = int(used.ru_utime + used.ru_stime) + SECONDS + 1
                resource.setrlimit(resource.RLIMIT_CPU, (last, resource.RLIM_INFINITY))
                verdict = judge()
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            told = {**begun, "verdict": dataclasses.asdict(verdict), "peak": peak}
            print(json.dumps(told), flush=True)  # noqa: T201


def _made(case: str, seed: int, folder: Path, uploads: Uploads | None) -> tuple[str, str, Callable[[], Verdict]]:
    """Prepare a case: the door, what it is, and the trial itself."""
    if uploads is not None and _is_posted(case):
        request = posted(case, seed)
        return request.door, request.what, partial(uploads.tried, request)
    if case in TRAPS:
        trap = TRAPS[case]
        return trap.door, trap.make.__doc__ or "", partial(tried, trap.door, trap.make(folder))
    made = damaged(int(case), seed)
    path = folder / made.name
    path.write_bytes(made.content)
    return made.door, made.what, partial(tried, made.door, path)


def _is_posted(case: str) -> bool:
    """Whether a case is a request to the page, not a file."""
    return case.startswith("page-")


def main() -> None:
    """Be the child, or try so many cases and say what failed."""
    if sys.argv[1] == "--child":
        _child(int(sys.argv[2]))
        return
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    failed = 0
    cases = [*TRAPS, *PAGE_TRAPS, *(f"{kind}{number}" for kind in ("", "page-") for number in range(count))]
    for trial in trials(cases, seed=seed):
        if not trial.verdict.passed:
            failed += 1
            print(f"{trial.case}  {trial.door}  {trial.what}\n    {trial.verdict.kind}: {trial.verdict.detail}")  # noqa: T201
    print(f"{len(cases)} tried, {failed} failed")  # noqa: T201


if __name__ == "__main__":
    main()
