"""Commands that are killed, or stopped by Ctrl-C, at random moments and given again, against the same left in peace.

``python -m tests.robust.killed KIND COUNT [SEED] [kill|stop]`` prints one line of JSON for each time: how far it got,
how it ended, and what is wrong with the result, if anything. KIND is one of :data:`tests.robust.jobs.JOBS`.
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.robust.jobs import JOBS, Job, Result, work

Way = Literal["kill", "stop"]
"""SIGKILL, or Ctrl-C."""
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGINT}
STOPPED = 130
"""Exit code after Ctrl-C."""
DONE, UNHEARD = "done before", "unheard"
"""The command ended before the signal came; or Python lost a Ctrl-C in one of its own callbacks, where an exception
has nowhere to go, and the command went on to its end.
"""
UNHEARD_OF = "Exception ignored in"
PATIENCE = 30.0
"""Seconds of waiting until a command that was asked to stop counts as one that does not."""
ROOT = Path(__file__).parents[2]


def kills(kind: str, count: int, *, seed: int = 0, way: Way = "kill") -> Iterator[dict[str, Any]]:
    """End a job early so many times, in a process of its own; one answer for each, as of the module's command."""
    command = [sys.executable, "-m", "tests.robust.killed", kind, str(count), str(seed), way]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as nursery:
        assert nursery.stdout is not None
        for line in nursery.stdout:
            yield json.loads(line)
    if nursery.returncode:
        wrong = f"the work cannot even be done in peace: exit code {nursery.returncode}"
        yield {"at": 0.0, "ended": "", "wrong": wrong}


@dataclass(frozen=True)
class Ended:
    """How a child went."""

    code: int
    """Its exit code, or minus the signal that ended it."""
    said: str
    """On stderr."""


class Child:
    """A job in a process of its own."""

    def __init__(self, job: Job, folder: Path) -> None:
        self.words = folder.with_name(f"{folder.name}.stderr")
        job.words(folder)  # makes what is read, which is not what the signal shall hit
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            _be(job, folder, self.words, writing)
        os.close(writing)
        os.read(reading, 1)  # the command begins now
        os.close(reading)

    def ticks(self) -> int:
        """Processor time that it has had, in hundredths of a second as the kernel counts."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    @property
    def over(self) -> bool:
        """Whether it has ended and waits to be counted."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def ended(self) -> Ended:
        """Wait for its end."""
        _, status = os.waitpid(self.pid, 0)
        return Ended(os.waitstatus_to_exitcode(status), self.words.read_text(encoding="utf-8"))


def _be(job: Job, folder: Path, words: Path, started: int) -> None:
    """Be the child; never returns."""
    code = 1
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a command in the background is begun without
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
        told = os.open(words, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(silence, 1)
        os.dup2(told, 2)
        os.close(started)
        work(job, folder)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _in_peace(job: Job, folder: Path) -> float:
    """Do the work; the processor time that it took, in ticks."""
    folder.mkdir(parents=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = Child(job, folder).ended()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.code:
        raise RuntimeError(ended.said)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * os.sysconf("SC_CLK_TCK")


def _cut_short(job: Job, folder: Path, moment: float, way: Way, rng: random.Random) -> Ended:
    """Begin the work and send the signal once it has had ``moment`` ticks, if it is not done by then."""
    folder.mkdir(parents=True)
    child = Child(job, folder)
    while not child.over and child.ticks() < moment:
        time.sleep(0.002)
    time.sleep(rng.random() * 0.01)  # a tick is coarse
    os.kill(child.pid, SIGNALS[way])
    end, before = time.monotonic() + PATIENCE, -1
    while not child.over and (time.monotonic() < end or child.ticks() != before):
        before = child.ticks()
        time.sleep(0.01)
    if not child.over:
        os.kill(child.pid, signal.SIGKILL)
        return Ended(0, f"still there {PATIENCE} s after it was asked to stop\n{child.ended().said}")
    return child.ended()


def _unclean(ended: Ended, folder: Path) -> str | None:
    """What Ctrl-C left that it should not: a trace, a wrong exit code, no word of how to go on, half-written files."""
    if ended.code == 0:
        return None if "Traceback" not in ended.said or UNHEARD_OF in ended.said else ended.said  # it was done already
    lines = [line for line in ended.said.splitlines() if line.strip()]
    if ended.code != STOPPED or "Traceback" in ended.said:
        return f"exit code {ended.code}: {ended.said}"
    if not lines or not lines[-1].startswith("unblur: stopped") or "same command" not in lines[-1]:
        return f"no word of how to go on: {ended.said}"
    left = [str(path.relative_to(folder)) for path in folder.rglob("*.part")]
    return f"left behind: {left}" if left else None


def _one(job: Job, folder: Path, moment: float, way: Way, rng: random.Random, expected: Result) -> tuple[str, str]:
    """How it was ended, and what is wrong."""
    ended = _cut_short(job, folder, moment, way, rng)
    torn = job.torn(folder, expected)
    wrong = (_unclean(ended, folder) if way == "stop" else None) or (f"not whole: {torn}" if torn else "")
    again = Child(job, folder).ended()
    try:
        same = job.result(folder) == expected
    except (OSError, ValueError, KeyError) as error:
        wrong = wrong or f"{error!r} after: {again.said}"
    else:
        wrong = wrong or ("" if same else f"another result than that of the work left in peace; {again.said}")
    unheard = ended.code == 0 and UNHEARD_OF in ended.said
    how = UNHEARD if unheard else DONE if ended.code == 0 else "killed" if way == "kill" else "stopped"
    return how, wrong


def main() -> None:
    """End early, and tell."""
    kind, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
    way: Way = "stop" if sys.argv[4:] == ["stop"] else "kill"
    job, rng = JOBS[kind], random.Random(f"{seed}/{kind}/{way}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ticks = _in_peace(job, folder / "peace" / "run")
        expected = job.result(folder / "peace" / "run")
        early = number = 0
        while early < count and number < 2 * count:  # one that was done before the signal came does not count
            share = rng.random()
            how, wrong = _one(job, folder / f"{way}-{number}" / "run", share * ticks, way, rng, expected)
            print(json.dumps({"at": round(share, 3), "ended": how, "wrong": wrong or None}), flush=True)  # noqa: T201
            early, number = early + (how not in (DONE, UNHEARD)), number + 1


if __name__ == "__main__":
    main()
