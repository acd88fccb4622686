import json
import os
import subprocess
import sys
import textwrap
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from tests.train.tiny import TINY, pictures, tiny_recipe
from unblur.errors import ConfigError, WeightsError
from unblur.psf.parametric import disk
from unblur.train import launch, loop
from unblur.train.checkpoint import Run
from unblur.train.config import Recipe, recipe_from
from unblur.train.launch import Schedule, train_recipe
from unblur.weights import read_weights

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]

CHILD = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from tests.train.tiny import pictures, tiny_recipe
from unblur.psf.parametric import disk
from unblur.train.launch import Schedule, processes, train_recipe
with processes(torch.device("cpu")):
    train_recipe(
        tiny_recipe(), disk(1.5), pictures(), Path(sys.argv[1]), held_out=pictures()[:1],
        device=torch.device("cpu"), schedule=Schedule(save=1, log=1, validate=5),
        watch=lambda p: print(p.step, flush=True),
    )
"""


def trained(folder: Path, schedule: Schedule | None = None) -> Run:
    return train_recipe(
        tiny_recipe(), disk(1.5), pictures(), folder, held_out=pictures()[:1], device=CPU, schedule=schedule
    )


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "last.pt", weights_only=True)["parts"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", "OMP_NUM_THREADS": "1"}


def assert_equal_weights(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def test_training_lowers_the_loss_and_leaves_weights_with_a_card(tmp_path: Path) -> None:
    run = trained(tmp_path, Schedule(log=1, validate=4))

    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    joint = [row["loss"] for row in rows if row["stage"] == "joint"]
    assert run.finished
    assert [row["stage"] for row in rows].count("denoise") == 8
    assert sum(joint[-3:]) < sum(row["loss"] for row in rows if row["stage"] == "denoise" and row["step"] <= 3)
    weights = read_weights(tmp_path / "odcnn.safetensors")
    assert weights.card.steps == {"deconvolution": 12, "denoise": 8, "joint": 10}
    assert weights.card.patches["joint"] == 40
    assert weights.card.validation.keys() == {"deconvolution", "denoise", "joint"}
    assert torch.equal(weights.psf, disk(1.5))
    assert read_weights(tmp_path / "dcnn.safetensors").card.network == "dcnn"


def test_stopped_by_time_and_called_again_equals_one_go(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole")

    calls = 0
    while not trained(tmp_path / "parts", Schedule(seconds=0.0)).finished:
        calls += 1

    assert calls >= 20
    assert whole.finished
    assert_equal_weights(weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts"))


def averaging() -> Recipe:
    values = tomllib.loads(TINY)
    values["stages"] = [{**values["stages"][0], "average": 0.6}, *values["stages"][1:]]
    return recipe_from(values)


def test_what_ships_is_the_running_mean_of_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    note = Run.note_average

    def noted(run: Run) -> None:
        note(run)
        if run.stage_number == 0:
            seen.append(run.parts.state_dict()["deconvolution.maps.rows.weight"].clone())

    monkeypatch.setattr(Run, "note_average", noted)
    train_recipe(averaging(), disk(1.5), pictures(), tmp_path, held_out=[], device=CPU)

    mean = seen[0]
    for count, weight in enumerate(seen[1:], start=1):
        kept = min(0.6, (1 + count) / (10 + count))
        mean = kept * mean + (1 - kept) * weight
    shipped = read_weights(tmp_path / "dcnn.safetensors").tensors["maps.rows.weight"]
    assert torch.allclose(shipped.float(), mean, atol=1e-6)
    assert not torch.allclose(mean, seen[-1], atol=1e-6)


def test_a_run_with_a_running_mean_ends_alike_however_often_it_was_stopped(tmp_path: Path) -> None:
    def go(folder: Path, schedule: Schedule | None = None) -> Run:
        return train_recipe(
            averaging(), disk(1.5), pictures(), folder, held_out=pictures()[:1], device=CPU, schedule=schedule
        )

    go(tmp_path / "whole", Schedule(validate=5))
    while not go(tmp_path / "parts", Schedule(seconds=0.0, validate=1)).finished:
        pass

    assert_equal_weights(weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts"))
    one, other = (read_weights(tmp_path / name / "dcnn.safetensors") for name in ("whole", "parts"))
    assert_equal_weights(dict(one.tensors), dict(other.tensors))


def test_killed_at_any_step_and_resumed_equals_one_go(tmp_path: Path) -> None:
    trained(tmp_path / "whole")
    kill_after = int(torch.randint(1, 28, (), generator=torch.Generator().manual_seed(time.time_ns() % 2**31)))

    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "killed")],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    for _ in range(kill_after):
        child.stdout.readline()
    child.kill()
    child.wait()
    child.stdout.close()
    trained(tmp_path / "killed", Schedule(save=1, log=1, validate=5))

    assert_equal_weights(weights_of(tmp_path / "whole"), weights_of(tmp_path / "killed"))
    rows = [json.loads(line) for line in (tmp_path / "killed" / "rows.jsonl").read_text().splitlines()]
    steps = [(row["stage"], row["step"]) for row in rows]
    assert len(steps) == len(set(steps)) == 30, f"killed after {kill_after} steps"


class Comrades:
    """Stands in for ``torch.distributed`` between threads of one process: no sockets are needed."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.barrier = threading.Barrier(count, timeout=60)
        self.own = threading.local()
        self.given: dict[int, torch.Tensor] = {}

    def is_initialized(self) -> bool:
        return True

    def get_rank(self) -> int:
        return int(self.own.rank)

    def get_world_size(self) -> int:
        return self.count

    def all_reduce(self, tensor: torch.Tensor) -> None:
        self.given[self.own.rank] = tensor
        self.barrier.wait()
        total = torch.stack([self.given[rank] for rank in range(self.count)]).sum(dim=0)
        self.barrier.wait()
        tensor.copy_(total)

    def train(self, rank: int, folder: Path) -> None:
        self.own.rank = rank
        try:
            trained(folder)
        except BaseException:
            self.barrier.abort()
            raise


def assert_close_weights(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(other[name], tensor, atol=1e-5, rtol=1e-5)


def test_two_ranks_on_half_batches_equal_one_on_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(tmp_path / "one")
    comrades = Comrades(2)
    for module in (launch, loop):
        monkeypatch.setattr(module, "dist", comrades)

    with ThreadPoolExecutor(2) as pool:
        for ended in [pool.submit(comrades.train, rank, tmp_path / "two") for rank in range(2)]:
            ended.result()

    assert_close_weights(weights_of(tmp_path / "one"), weights_of(tmp_path / "two"))


def test_gradients_are_averaged_over_the_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    comrades = Comrades(2)
    monkeypatch.setattr(loop, "dist", comrades)

    def shared(rank: int) -> torch.Tensor:
        comrades.own.rank = rank
        part = torch.nn.Linear(3, 1)
        part.weight.grad = torch.tensor([[1.0, 2, 3]]) * (rank + 1)
        loop.share_gradients(part)
        return part.weight.grad

    with ThreadPoolExecutor(2) as pool:
        for gradient in pool.map(shared, range(2)):
            assert gradient.tolist() == [[1.5, 3.0, 4.5]]


@pytest.mark.slow
def test_two_processes_on_half_batches_equal_one_on_the_whole(tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(textwrap.dedent(CHILD))
    ended = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1", "--nproc-per-node=2",
         script, tmp_path / "two"],
        cwd=ROOT, env={**environment(), "GLOO_SOCKET_IFNAME": "lo"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr

    trained(tmp_path / "one")

    assert_close_weights(weights_of(tmp_path / "one"), weights_of(tmp_path / "two"))


def test_a_part_trained_again_goes_on_from_its_own_weights(tmp_path: Path) -> None:
    values = tomllib.loads(TINY)
    first = values["stages"][0]
    again = recipe_from({**values, "stages": [first, {**first, "steps": 1, "rate": 1e-9, "separable_rate": 1e-9}]})
    once = recipe_from({**values, "stages": [first]})

    for name, recipe in (("once", once), ("again", again)):
        train_recipe(recipe, disk(1.5), pictures(), tmp_path / name, held_out=[], device=CPU)

    one, other = weights_of(tmp_path / "once"), weights_of(tmp_path / "again")
    for name, tensor in one.items():
        if name.startswith("deconvolution."):  # the other parts were never begun
            torch.testing.assert_close(other[name], tensor, atol=1e-6, rtol=0)
    assert read_weights(tmp_path / "again" / "dcnn.safetensors").card.steps == {"deconvolution": 13}


def test_another_recipe_does_not_continue_a_run(tmp_path: Path) -> None:
    trained(tmp_path, Schedule(seconds=0.0))
    other = recipe_from({**tomllib.loads(TINY), "seed": 8})

    with pytest.raises(ConfigError, match="another output folder"):
        train_recipe(other, disk(1.5), pictures(), tmp_path, held_out=[], device=CPU)


@pytest.mark.parametrize("content", [b"", b"not a state", b"PK\x03\x04 torn"])
def test_a_damaged_state_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.pt").write_bytes(content)

    with pytest.raises(WeightsError, match=r"last\.pt: not a training state"):
        trained(tmp_path)


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unblur.train.launch._place", lambda: (0, 3))

    with pytest.raises(ConfigError, match="shared evenly by 3 processes"):
        trained(tmp_path)
