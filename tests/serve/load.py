"""Many people at the page at once: nothing of theirs may be lost, and the server's memory stays bounded.

``python -m tests.serve.load [--clients 50] [--seconds 120]`` starts ``unblur serve`` as a user would, lets so many
clients do what the page does, each with a photograph of its own, and prints what became of it as JSON.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.serve.conftest import Answer, Client

ROOT = Path(__file__).parents[2]
ALLOWED = 2_000_000_000
"""Bytes of memory that the server and its processes may hold, files that memory merely shows not counted."""
_SIZES = ((240, 320), (600, 800), (1200, 1600))
_EVERY = 0.5


@dataclass
class Findings:
    """What all clients saw together."""

    kinds: Counter[str] = field(default_factory=Counter)
    """Requests that were answered as they should be, by what was asked."""
    lost: list[str] = field(default_factory=list)
    """Everything that went wrong."""
    longest: dict[str, float] = field(default_factory=dict)
    """Seconds, by what was asked."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, seconds: float, wrong: str = "") -> None:
        """One more answer."""
        with self.lock:
            self.kinds[kind] += not wrong
            self.longest[kind] = max(seconds, self.longest.get(kind, 0.0))
            if wrong:
                self.lost.append(f"{kind}: {wrong}")


class Visitor:
    """One client: opens a photograph of its own, tries blurs, restores some, goes, and comes again."""

    def __init__(self, port: int, number: int, found: Findings, end: float) -> None:
        """Ready to begin; ``end`` is when to stop, on the monotonic clock."""
        self.client, self.found, self.end = Client(port), found, end
        self.random = random.Random(number)
        self.number = number

    def visit(self) -> None:
        """Until the end."""
        while time.monotonic() < self.end:
            try:
                self._once()
            except (OSError, HTTPException) as error:
                self.found.note("connection", 0.0, repr(error))

    def _once(self) -> None:
        height, width = self.random.choices(_SIZES, weights=(6, 3, 1))[0]
        pixels = self._photograph(height, width)
        file = BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        opened = self._ask("open", 201, "POST", f"/photographs?name={self.number}.png", body=file.getvalue())
        if opened is None:
            return
        self.path = f"/photographs/{opened.json['id']}"
        for _ in range(self.random.randint(2, 6)):
            if time.monotonic() > self.end:
                break
            self._look(pixels)
            self._try_a_blur(height, width)
            time.sleep(self.random.uniform(0.2, 1.5))  # to look at it
        if self.random.random() < 0.25 and time.monotonic() < self.end:
            self._restore(pixels)
        self._ask("close", 204, "DELETE", self.path)

    def _photograph(self, height: int, width: int) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        """A smooth picture that only this client has."""
        coarse = np.random.default_rng(self.random.getrandbits(32)).integers(0, 255, (9, 12, 3), np.uint8)
        smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        return np.asarray(smooth)

    def _look(self, pixels: "np.ndarray[Any, np.dtype[np.uint8]]") -> None:
        height, width = pixels.shape[:2]
        left, top = self.random.randrange(width - 64), self.random.randrange(height - 64)
        part = self._ask("part", 200, "GET", f"{self.path}/part?box={left},{top},64,64")
        if part and not np.array_equal(part.pixels, pixels[top : top + 64, left : left + 64]):
            self.found.note("part", 0.0, "another photograph was shown")

    def _try_a_blur(self, height: int, width: int) -> None:
        """As a slider is moved: the newest preview counts, one that it overtakes may be refused."""
        shapes = [f"disk:{self.random.uniform(1, 4):.1f}" for _ in range(self.random.randint(1, 3))]
        self._ask("psf", 200, "POST", f"{self.path}/psf", json_={"shape": shapes[-1]})
        box = [width // 4, height // 4, 120, 90]
        overtaken = [threading.Thread(target=self._preview, args=(shape, box, (200, 409))) for shape in shapes[:-1]]
        for thread in overtaken:
            thread.start()
        self._preview(shapes[-1], box, (200, 409) if overtaken else (200,))
        for thread in overtaken:
            thread.join()

    def _preview(self, shape: str, box: list[int], statuses: tuple[int, ...]) -> None:
        words = {"psf": {"shape": shape}, "method": "wiener", "box": box}
        answer = self._ask("preview", statuses, "POST", f"{self.path}/preview", json_=words)
        if answer and answer.status == 200 and answer.pixels.shape[:2] != (box[3], box[2]):
            self.found.note("preview", 0.0, f"it has the shape {answer.pixels.shape}")

    def _restore(self, pixels: "np.ndarray[Any, np.dtype[np.uint8]]") -> None:
        """The whole, or a cancelled part of it."""
        begun, path = time.monotonic(), f"{self.path}/restoration"
        patience = self.random.choice((2.0, 1e9))
        self._ask("begin", 202, "POST", path, json_={"psf": {"shape": "disk:2"}, "method": "wiener"})
        while True:
            told = self._ask("tell", 200, "GET", path)
            state = told.json["state"] if told else "lost"
            if state not in ("waiting", "running"):
                break
            if time.monotonic() - begun > patience or time.monotonic() > self.end:
                stopped = self._ask("cancel", 200, "DELETE", path)
                state = stopped.json["state"] if stopped else "lost"
                break
            time.sleep(0.35)
        self.found.note(
            f"restoration {state}", time.monotonic() - begun, "" if state in ("done", "cancelled") else state
        )
        if state == "done":
            download = self._ask("download", 200, "GET", f"{path}/file")
            if download and download.pixels.shape != pixels.shape:
                self.found.note("download", 0.0, f"it has the shape {download.pixels.shape}")

    def _ask(self, kind: str, statuses: int | tuple[int, ...], method: str, path: str, **words: Any) -> Answer | None:
        """The answer; None where it is none of those that may come, which is noted."""
        if "body" in words:
            words["headers"] = {"content-type": "application/octet-stream"}
        begun = time.monotonic()
        answer = self.client.ask(method, path, **words)
        wrong = (
            "" if answer.status in ((statuses,) if isinstance(statuses, int) else statuses) else str(answer.body[:200])
        )
        self.found.note(kind, time.monotonic() - begun, wrong and f"{answer.status} {wrong}")
        return None if wrong else answer


def load(clients: int, seconds: float) -> dict[str, Any]:
    """Let so many clients work for so long.

    Returns:
        What was asked and answered, what was ``lost``, the longest waits, and the memory of the server with its
        processes in bytes: when it had started, at its peak, at the end, and by quarters of the time; ``left``: files
        that it left behind.
    """
    with tempfile.TemporaryDirectory() as folder, _server(folder) as server:
        if server.stderr is None:
            raise RuntimeError("the server has no stderr")
        address = re.search(r"http://127\.0\.0\.1:(\d+)/", server.stderr.readline())
        if address is None:
            raise RuntimeError("the server said no address")
        found, port, end = Findings(), int(address[1]), time.monotonic() + seconds
        Client(port).get("/methods")
        sizes = [held(server.pid)]
        visitors = [Visitor(port, number, found, end) for number in range(clients)]
        threads = [threading.Thread(target=visitor.visit) for visitor in visitors]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            sizes.append(held(server.pid))
            time.sleep(_EVERY)
        sizes.append(held(server.pid))
        server.send_signal(signal.SIGINT)
        said = server.communicate(timeout=60)[1]
        left = [str(path) for path in Path(folder).rglob("*")]
    return {
        "clients": clients,
        "answered": dict(sorted(found.kinds.items())),
        "requests": sum(found.kinds.values()),
        "lost": found.lost,
        "longest": {kind: round(seconds, 2) for kind, seconds in sorted(found.longest.items())},
        "memory": {"start": sizes[0], "peak": max(sizes), "end": sizes[-1], "quarters": _quarters(sizes)},
        "left": left,
        "said": said,
    }


def _quarters(sizes: list[int]) -> list[int]:
    """The mean of each quarter of the time: growth that does not end shows here."""
    return [round(float(np.mean(part))) for part in np.array_split(np.array(sizes, float), 4) if len(part)]


@contextmanager
def _server(folder: str) -> "Iterator[subprocess.Popen[str]]":
    """A server that keeps its files in this folder; it does not outlive the block."""
    command = [sys.executable, "-m", "unblur", "serve", "--port", "0", "--device", "cpu"]
    environment = {**os.environ, "TMPDIR": folder}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as server:
        try:
            yield server
        finally:
            server.kill()


def held(process: int) -> int:
    """Memory of a process and those that it started, in bytes: their own pages, not those of files."""
    total = 0
    for number in [process, *_children(process)]:
        try:
            status = Path(f"/proc/{number}/status").read_text(encoding="utf-8")
        except OSError:  # it has ended meanwhile
            continue
        own = re.search(r"RssAnon:\s+(\d+) kB", status)
        total += 1024 * int(own[1]) if own else 0
    return total


def _children(process: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += [int(number) for number in task.read_text(encoding="utf-8").split()]
        except OSError:  # it has ended meanwhile
            continue
    return found


def main() -> int:
    """Print the findings; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description="Let many clients use the page at once.")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    asked = parser.parse_args()
    found = load(asked.clients, asked.seconds)
    print(json.dumps(found, indent=1))  # noqa: T201
    return int(bool(found["lost"] or found["left"] or found["memory"]["peak"] > ALLOWED))


if __name__ == "__main__":
    raise SystemExit(main())
