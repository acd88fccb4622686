"""A run over a folder that is killed leaves whole results only, and the same command goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.folder.album import album, by, done, files
from tests.folder.killed import MOMENTS, WHERE
from unblur.errors import ConfigError
from unblur.folder.record import RECORD

ROOT = Path(__file__).parents[2]
LEFT = {
    "before the rename": ["skipped", "restored", "restored"],
    "after the rename": ["skipped", "restored", "restored"],
    "within the row": ["skipped", "restored", "restored"],
    "after the row": ["skipped", "skipped", "restored"],
}
"""What the next run has to do."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``in``, what became of it in peace, and in runs that were killed, by moment."""
    scene = tmp_path_factory.mktemp("killed")
    album(scene / "in", "a.png", "b.png", "c/d.png")
    (scene / "killed").mkdir()
    words = [sys.executable, "-m", "tests.folder.killed", str(scene / "in"), str(scene / "killed")]
    subprocess.run(words, cwd=ROOT, check=True)
    done(scene / "in", scene / "peace")
    return scene


def results(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in files(folder).items() if name != RECORD}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_goes_on(moment: str, scene: Path) -> None:
    out, whole = scene / "killed" / moment, results(scene / "peace")
    left = {name: content for name, content in results(out).items() if not name.endswith(".part")}
    assert {name: whole[name] for name in left} == left
    assert (WHERE in left) == (moment != "before the rename")

    rows = done(scene / "in", out)

    assert [row.state for row in rows] == LEFT[moment]
    assert results(out) == whole  # and no half-written file is left
    assert [row.state for row in done(scene / "in", out)] == ["skipped"] * 3


def test_what_a_killed_run_left_is_not_taken_for_that_of_other_settings(scene: Path) -> None:
    folder, out = album(scene / "single", "b.png"), scene / "other"
    out.mkdir()
    killed = next(path for path in (scene / "killed" / "after the rename").glob(RECORD))
    lines = killed.read_bytes().splitlines(keepends=True)
    (out / RECORD).write_bytes(lines[0])
    (out / WHERE).write_bytes(results(scene / "peace")[WHERE])

    with pytest.raises(ConfigError, match="of other settings"):
        done(folder, out, by(psf="disk:3"))
