"""Work that is killed at random moments and begun again, against the same work left in peace.

``python -m tests.robust.killed KIND COUNT [SEED]`` prints one line of JSON for each kill: how far it got, and what is
wrong with the result, if anything. KIND is one of :data:`JOBS`.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from tests.conftest import make_chart
from tests.train.tiny import pictures, tiny_recipe
from unblur.benchmark.entry import Entry
from unblur.benchmark.report import write_report
from unblur.benchmark.run import ROWS, read_rows, run_cases
from unblur.benchmark.suites import folder_suite
from unblur.cli import app
from unblur.degrade.camera import Camera
from unblur.psf.parametric import disk
from unblur.train.launch import Schedule, train_recipe
from unblur.weights import read_weights

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]
Result = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """Some work on a folder, and what of its result must be equal."""

    work: Callable[[Path], None]
    result: Callable[[Path], Result]


def kills(kind: str, count: int, *, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Kill a job so many times, in a process of its own; one answer for each kill, as of the module's command."""
    command = [sys.executable, "-m", "tests.robust.killed", kind, str(count), str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as nursery:
        assert nursery.stdout is not None
        for line in nursery.stdout:
            yield json.loads(line)
    if nursery.returncode:
        yield {"at": 0.0, "wrong": f"the work cannot even be done in peace: exit code {nursery.returncode}"}


def _photographs(folder: Path) -> list[Path]:
    """Six small photographs, the same at every call."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"p{number}.png" for number in range(6)]
    for number, path in enumerate(paths):
        if not path.exists():
            values = make_chart(60, 80 + 8 * number)[0, 0].numpy() * 255
            Image.fromarray(np.rint(values).astype(np.uint8)).save(path)
    return paths


def _restore_folder(folder: Path) -> None:
    """Several photographs in one command; those that are there already are refused, and the others go on."""
    photos = [str(path) for path in _photographs(folder.parent / "photographs")]
    (folder / "out").mkdir(exist_ok=True)
    words = ["restore", *photos, "-o", str(folder / "out"), "--psf", "disk:2", "--method", "saturated-rl", "-q"]
    app(words, standalone_mode=False)


def _restored(folder: Path) -> Result:
    return {path.name: path.read_bytes().hex() for path in sorted((folder / "out").glob("*.png"))}


def _train(folder: Path) -> None:
    schedule = Schedule(save=3, log=1, validate=5)
    train_recipe(tiny_recipe(), disk(1.5), pictures(), folder, held_out=pictures()[:1], device=CPU, schedule=schedule)


def _trained(folder: Path) -> Result:
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    state = torch.load(folder / "last.pt", weights_only=True)
    parts = {name: tensor.numpy().tobytes().hex() for name, tensor in state["parts"].items()}
    files = {name: read_weights(folder / f"{name}.safetensors").card.sha256 for name in ("dcnn", "odcnn")}
    said = ("stage", "step", "loss", "validation")
    return {"rows": [[row[key] for key in said] for row in rows], "step": state["step"], **files, **parts}


def _benchmark(folder: Path) -> None:
    photos = _photographs(folder.parent / "photographs")
    cases = folder_suite(photos, ["disk:2"], Camera(noise=0.01), grey=True)
    entries = [Entry(label=name, method=name) for name in ("input", "wiener", "saturated-rl", "sparse")]
    rows = run_cases(cases, entries, folder, device=CPU)
    write_report(rows, folder / "report.md", command="test")


def _benched(folder: Path) -> Result:
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in read_rows(folder / ROWS)]
    shown = {str(path.relative_to(folder)): path.read_bytes().hex() for path in sorted(folder.rglob("*.png"))}
    return {"rows": rows, "report": (folder / "report.md").read_text(), **shown}


JOBS = {
    "folder": Job(_restore_folder, _restored),
    "training": Job(_train, _trained),
    "benchmark": Job(_benchmark, _benched),
}


def _child(work: Callable[[Path], None], folder: Path) -> int:
    """The work in a process of its own; its number."""
    pid = os.fork()
    if pid == 0:
        try:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            torch.set_num_threads(1)
            work(folder)
        except SystemExit:
            pass
        except BaseException:
            (folder.parent / f"{folder.name}.trace").write_text(traceback.format_exc())
            os._exit(1)
        finally:
            os._exit(0)
    return pid


def _ticks(pid: int) -> int:
    """Processor time that a process has had, in hundredths of a second as the kernel counts."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def _whole(job: Job, folder: Path) -> float:
    """Do the work in peace; the processor time that it took, in ticks."""
    folder.mkdir(parents=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _, status = os.waitpid(_child(job.work, folder), 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status:
        raise RuntimeError((folder.parent / f"{folder.name}.trace").read_text())
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * os.sysconf("SC_CLK_TCK")


def _kill_once(job: Job, folder: Path, moment: float) -> None:
    """Begin the work and kill it once it has had ``moment`` ticks, if it is not done by then."""
    folder.mkdir(parents=True)
    pid = _child(job.work, folder)
    while _ticks(pid) < moment:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            break
        time.sleep(0.002)
    time.sleep(random.random() * 0.01)  # a tick is coarse
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _half_done(got: Result, expected: Result, kind: str) -> str | None:
    """After a kill: nothing that bears its final name is incomplete."""
    if kind != "folder":
        return None
    torn = [name for name, content in got.items() if expected.get(name) != content]
    return f"incomplete: {torn}" if torn else None


def main() -> None:
    """Kill and tell."""
    kind, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
    job, rng = JOBS[kind], random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ticks = _whole(job, folder / "whole")
        expected = job.result(folder / "whole")
        for number in range(count):
            share = rng.random()
            mine = folder / f"killed-{number}"
            _kill_once(job, mine, share * ticks)
            wrong = _half_done(job.result(mine) if kind == "folder" and (mine / "out").is_dir() else {}, expected, kind)
            _, status = os.waitpid(_child(job.work, mine), 0)
            if status:
                wrong = (folder / f"{mine.name}.trace").read_text()
            elif job.result(mine) != expected:
                wrong = "the result is another than that of the work left in peace"
            print(json.dumps({"at": round(share, 3), "wrong": wrong}), flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main()
