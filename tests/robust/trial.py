"""One file at one door, and whether what came of it is a clean error or a good result."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from typer.testing import CliRunner, Result

from tests.robust import samples
from unblur.cli import app
from unblur.errors import UnblurError
from unblur.io.psf import read_psf
from unblur.io.read import read_picture
from unblur.restoration import output_beside
from unblur.train.config import read_recipe
from unblur.train.state import load_state

GOOD, REFUSED = "good", "refused"
"""The two ways in which a trial may end; every other is a failure and is named by its own word."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a trial ended."""

    kind: str
    """``good``, ``refused``, or what was wrong: ``trace``, ``memory``, ``words``, ``remains``, ``wrong``."""
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether it ended as it may."""
        return self.kind in (GOOD, REFUSED)


def tried(door: str, path: Path) -> Verdict:
    """Try a file, alone in its folder, at ``restore``, ``psf``, ``recipe``, ``weights`` or ``state``."""
    return _DOORS[door](path)


def _at_restore(path: Path) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        output = output_beside(path, Path(folder))  # the same format where it can be written, with EXIF and profile
        words = ["restore", str(path), "--psf", "motion:3,0", "--method", "wiener", "-q", "-o", str(output)]
        return _judged(words, path, output, lambda: read_picture(output).size == read_picture(path).size)


def _at_psf(path: Path) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "psf.npy"

        def sound() -> bool:
            psf = read_psf(output)
            return abs(float(psf.sum()) - 1) < 1e-3 and bool(torch.isfinite(psf).all())

        return _judged(["psf", "save", str(path), "-o", str(output)], path, output, sound)


def _at_recipe(path: Path) -> Verdict:
    def read() -> bool:
        recipe = read_recipe(path)
        return len(recipe.digest()) == 64 and all(type(size) is int for size in recipe.network_sizes.values())

    return _called(read)


def _at_weights(path: Path) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        photo, output = Path(folder) / "photo.png", Path(folder) / "out" / "restored.png"
        photo.write_bytes(samples.photographs()["grey.png"])
        output.parent.mkdir()
        words = ["restore", str(photo), "--psf", "motion:3,0", "--method", "dcnn", "-q", "-o", str(output)]
        return _judged(
            [*words, "--set", f"weights={path}"], path, output, lambda: read_picture(output).size == (20, 28)
        )


def _at_state(path: Path) -> Verdict:
    return _called(lambda: isinstance(load_state(path, belongs_to="run", device=torch.device("cpu")), dict))


_DOORS: dict[str, Callable[[Path], Verdict]] = {
    "restore": _at_restore,
    "psf": _at_psf,
    "recipe": _at_recipe,
    "weights": _at_weights,
    "state": _at_state,
}


def _called(read: Callable[[], bool]) -> Verdict:
    """A reader: an ``UnblurError`` of one line, or what it promises."""
    try:
        good = read()
    except UnblurError as error:
        return _sentence(str(error), error)
    except Exception as error:
        return Verdict(kind="trace", detail=repr(error)[:300])
    return Verdict(kind=GOOD if good else "wrong")


def _judged(words: list[str], path: Path, output: Path, sound: Callable[[], bool]) -> Verdict:
    """A command: exit code 2 with one sentence and no file, or 0 with a sound one and nothing else."""
    before = set(path.parent.iterdir())
    with without_the_words_of_libraries():
        result = CliRunner().invoke(app, words)
    remains = (set(path.parent.iterdir()) - before) | (set(output.parent.iterdir()) - {output, path})
    remains = {left for left in remains if left.name != "photo.png"}
    if remains:
        return Verdict(kind="remains", detail=str(sorted(left.name for left in remains)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return Verdict(kind="trace", detail=repr(result.exception)[:300])
    if result.exit_code == 2:
        return Verdict(kind="remains", detail=output.name) if list(output.parent.iterdir()) else _refusal(result)
    if result.exit_code != 0:
        return Verdict(kind="wrong", detail=f"exit code {result.exit_code}")
    if extra := [line for line in result.stderr.splitlines() if not line.startswith("unblur: ")]:
        return Verdict(kind="words", detail=str(extra)[:300])
    try:
        good = sound()
    except UnblurError as error:
        return Verdict(kind="wrong", detail=f"the output cannot be read again: {error}"[:300])
    return Verdict(kind=GOOD) if good else Verdict(kind="wrong", detail="the output is not what was asked for")


def _refusal(result: Result) -> Verdict:
    text = result.stderr
    if not text.startswith("unblur: "):
        return Verdict(kind="words", detail=text[:300])
    cause = result.exception.__context__ if result.exception else None
    return _sentence(text.removeprefix("unblur: ").rstrip("\n"), cause)


def _sentence(text: str, error: BaseException | None) -> Verdict:
    """One line is clean; running out of memory is not, for elsewhere there is more of it to be filled."""
    if not text or "\n" in text:
        return Verdict(kind="words", detail=text[:300])
    if "allocate" in text.lower():
        return Verdict(kind="memory", detail=text[:300])
    while error is not None:
        if isinstance(error, MemoryError):
            return Verdict(kind="memory", detail=text[:300])
        error = error.__cause__ or error.__context__
    return Verdict(kind=REFUSED, detail=text[:300])


@contextmanager
def without_the_words_of_libraries() -> Iterator[None]:
    """What decoders in C write past Python, which nobody can hold back, is not ours to judge."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a descriptor is needed, not a path
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
