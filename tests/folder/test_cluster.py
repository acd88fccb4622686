"""A folder on a Ray cluster: the same rows, order and bytes as here, or one sentence where Ray is missing."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.folder.album import album, by, files, looked_at, photograph
from unblur.errors import ConfigError
from unblur.folder.record import RECORD
from unblur.folder.restoration import rows_of
from unblur.folder.row import Restoring, Row
from unblur.io.psf import read_psf
from unblur.restoration import restore_file

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray warns of itself


def test_without_ray_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("unblur.folder.cluster.find_spec", lambda _: None)

    with pytest.raises(ConfigError, match=r"pip install unblur\[cluster\]"):
        looked_at(album(tmp_path / "in", "a.png"), tmp_path / "out", engine="ray")

    assert not (tmp_path / "out").exists()


def test_the_example_with_two_workers_agrees_with_itself(tmp_path: Path) -> None:
    # Before the others' cluster begins: Ray allows a second one beside it 30 s to begin, too few on a busy machine.
    pytest.importorskip("ray.data", reason="Ray Data is an extra")
    example = Path(__file__).parents[2] / "examples" / "restore_on_a_cluster.py"

    told = subprocess.run([sys.executable, example, tmp_path], capture_output=True, text=True, check=False)

    assert (told.returncode, told.stdout.splitlines()[-1:]) == (0, ["4 results, the same on the cluster"]), told.stderr


def test_a_cluster_that_does_not_begin_in_time_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ray = pytest.importorskip("ray", reason="Ray is an extra")
    pytest.importorskip("ray.data", reason="Ray Data is an extra")

    def init(**_: object) -> None:
        raise Exception("The current node timed out during startup.")  # as Ray does

    monkeypatch.setattr(ray, "init", init)
    work = looked_at(album(tmp_path / "in", "a.png"), tmp_path / "out", engine="ray")

    with pytest.raises(ConfigError, match="timed out during startup"):
        list(rows_of(work))


@pytest.fixture(scope="module")
def two_workers() -> Iterator[None]:
    """A cluster of two processors on this machine."""
    ray = pytest.importorskip("ray", reason="Ray is an extra")
    pytest.importorskip("ray.data", reason="Ray Data is an extra")
    ray.init(num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def same_but_for_time(rows: list[Row], folder: Path) -> list[Row]:
    return [
        dataclasses.replace(row, seconds=0.0, output=str(Path(row.output).relative_to(folder)), error=None)
        for row in rows
    ]


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(by("wiener"), id="wiener"),
        pytest.param(by("universal", transfer="encoded"), id="universal"),
        pytest.param(partial(restore_file, psf=read_psf("gauss:1.2"), method="saturated-rl", white=0.9), id="white"),
    ],
)
@pytest.mark.usefixtures("two_workers")
def test_two_workers_give_the_same_rows_order_and_bytes(run: Restoring, tmp_path: Path) -> None:
    folder = album(tmp_path / "in", *(f"{number}.png" for number in range(5)), "b/a.jpg", "b/c.tif")
    photograph(folder / "0.png", size=(150, 200))  # the first takes longest, and still comes first
    (folder / "3.png").write_text("nothing")
    here, there = tmp_path / "here", tmp_path / "there"

    local = list(rows_of(looked_at(folder, here, run)))
    heard: list[float] = []
    remote = list(
        rows_of(looked_at(folder, there, run, engine="ray"), workers=2, told=lambda done, *_: heard.append(done))
    )

    assert same_but_for_time(remote, there) == same_but_for_time(local, here)
    assert [row.state for row in remote].count("failed") == 1
    assert [str(row.error) for row in remote] == [str(row.error) for row in local]
    assert files(there) == files(here)  # the records too
    assert heard == list(range(8))
    assert RECORD in files(there)


@pytest.mark.usefixtures("two_workers")
def test_what_was_done_here_is_skipped_there_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder, out = album(tmp_path / "in", "a.png", "b.png", "c.png"), tmp_path / "out"
    next(rows_of(looked_at(folder, out)))  # stopped after the first

    rows = list(rows_of(looked_at(folder, out, engine="ray")))

    assert [row.state for row in rows] == ["skipped", "restored", "restored"]
    assert [row.state for row in rows_of(looked_at(folder, out, engine="ray"))] == ["skipped"] * 3


@pytest.mark.usefixtures("two_workers")
def test_a_bug_is_not_taken_for_a_bad_photograph(tmp_path: Path) -> None:
    folder = album(tmp_path / "in", "a.png")
    broken = partial(restore_file, psf=read_psf("disk:2"), method="wiener", tile="many")  # type: ignore[arg-type]

    with pytest.raises(Exception, match="TypeError"):
        list(rows_of(looked_at(folder, tmp_path / "out", broken, engine="ray")))
