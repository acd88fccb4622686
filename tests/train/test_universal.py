import json
import tomllib
from pathlib import Path

import pytest
import torch

from tests.train.tiny import pictures
from unblur.errors import ConfigError
from unblur.psf.parametric import disk
from unblur.train.checkpoint import Run
from unblur.train.config import Recipe, recipe_from
from unblur.train.launch import Schedule, train_recipe
from unblur.train.universal import UniversalPart
from unblur.universal import UniversalSettings, universal
from unblur.weights import read_weights

CPU = torch.device("cpu")
TINY = """
name = "tiny-universal"
network = "universal"
psf = "any"
preset = "universal"
seed = 7

[sizes]
steps = 2
members = 2
width = 8
middle = 8
deep = 8

[data]
largest = 15
psfs = 4

[[stages]]
part = "universal"
steps = 16
batch = 2
patch = 24
rate = 2e-3
warmup = 2
"""


def recipe(**changes: object) -> Recipe:
    return recipe_from({**tomllib.loads(TINY), **changes})


def trained(folder: Path, schedule: Schedule | None = None) -> Run:
    held_out = [torch.nn.functional.interpolate(pictures()[0], scale_factor=1.5)]
    return train_recipe(recipe(), None, pictures()[:3], folder, held_out=held_out, device=CPU, schedule=schedule)


def test_a_run_ends_in_weights_that_restore(tmp_path: Path) -> None:
    run = trained(tmp_path, Schedule(log=1, validate=8))

    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert run.finished
    assert len(rows) == 16
    assert {"universal", "disk", "disk-sat", "shake", "shake-sat"} <= rows[-1]["columns"].keys()
    restore = universal("universal")(CPU, UniversalSettings(weights=str(tmp_path / "universal.safetensors")))
    picture = pictures()[0]
    assert restore(picture, disk(2)).shape == picture.shape


@pytest.mark.parametrize("part", ["rounds", "joint"])
@pytest.mark.parametrize("kinds", [0, 1])
def test_a_stage_of_rounds_leaves_the_unets_as_they_were_and_a_joint_one_does_not(
    kinds: int, part: str, tmp_path: Path
) -> None:
    stage = {"part": part, "steps": 3, "batch": 2, "patch": 24, "rate": 1e-3, "warmup": 1}
    sizes = {"steps": 1, "members": 2, "sparse": 1, "kinds": kinds, "guide": 4, "width": 8, "middle": 8, "deep": 8}
    short = recipe(sizes=sizes, stages=[stage])
    train_recipe(short, None, pictures()[:3], tmp_path, held_out=pictures()[:1], device=CPU)
    untrained = UniversalPart(short)
    untrained.begin()

    weights = read_weights(tmp_path / "universal.safetensors")

    assert weights.card.steps == {part: 3}
    changed = {
        name.split(".")[2 * kinds]
        for name, tensor in untrained.network.state_dict().items()
        if not torch.allclose(weights.tensors[name].float(), tensor, atol=1e-3, rtol=1e-3)
    }
    assert changed & {"rounds", "nets"} == ({"rounds"} if part == "rounds" else {"rounds", "nets"})
    assert part == "joint" or changed == {"rounds"}


def test_stopped_and_called_again_equals_one_go(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole")

    assert not trained(tmp_path / "parts", Schedule(seconds=0.0)).finished
    run = trained(tmp_path / "parts")

    for name, tensor in whole.parts.state_dict().items():
        assert torch.equal(tensor, run.parts.state_dict()[name]), name


def test_repeated_batches_end_alike_however_often_the_run_was_stopped(tmp_path: Path) -> None:
    sizes = {"steps": 1, "members": 2, "sparse": 1, "guide": 4, "width": 8, "middle": 8, "deep": 8}
    stage = {"part": "universal", "steps": 6, "batch": 2, "patch": 24, "rate": 1e-3, "warmup": 1, "repeats": 2}
    repeated = recipe(sizes=sizes, stages=[stage])

    def go(folder: Path, schedule: Schedule | None = None) -> Run:
        return train_recipe(repeated, None, pictures()[:3], folder, held_out=[], device=CPU, schedule=schedule)

    whole = go(tmp_path / "whole")
    while not (run := go(tmp_path / "parts", Schedule(seconds=0.0))).finished:
        pass

    for name, tensor in whole.parts.state_dict().items():
        assert torch.equal(tensor, run.parts.state_dict()[name]), name


@pytest.mark.parametrize("kinds", [0, 1])
def test_the_rounds_estimates_can_be_known_before(kinds: int) -> None:
    sizes = {"steps": 2, "members": 2, "sparse": 1, "kinds": kinds, "guide": 4, "width": 8, "middle": 8}
    part = UniversalPart(recipe(sizes=sizes))
    part.begin()
    stage = recipe().stages[0]
    scene = torch.cat([pictures()[0][..., :32, :40]] * 2)
    batch = (scene, torch.full((2, 3, 3), 1 / 9), scene, torch.tensor([False, True]))

    prepared = part.prepared(stage, *batch)

    assert len(prepared) == 5
    assert torch.equal(part.loss(stage, *prepared), part.loss(stage, *batch))


@pytest.mark.parametrize("kinds", [0, 1])
def test_every_weight_that_a_stage_trains_is_in_one_group(kinds: int) -> None:
    part = UniversalPart(recipe(sizes={"sparse": 1, "kinds": kinds, "guide": 4, "width": 8, "middle": 8, "deep": 8}))
    everything = set(part.network.parameters())

    taught = {}
    for name in ("rounds", "universal", "joint"):
        stage = recipe_from({**tomllib.loads(TINY), "stages": [{"part": name, "steps": 1}]}).stages[0]
        grouped = [p for group in part.groups(stage) for p in group["params"]]  # type: ignore[attr-defined]
        assert len(grouped) == len(set(grouped))
        taught[name] = set(grouped)

    assert taught["rounds"] == set(part.network.rounds.parameters())  # type: ignore[union-attr]
    assert taught["universal"] == everything - taught["rounds"]
    assert taught["joint"] == everything


@pytest.mark.parametrize("loss", ["l1", "log-mse"])
def test_the_same_batch_again_and_again_is_learned(loss: str) -> None:
    part = UniversalPart(recipe(loss=loss))
    part.begin()
    stage = recipe().stages[0]
    scene = pictures()[0][..., :32, :40] * torch.tensor([1.0, 1.4]).reshape(2, 1, 1, 1)
    blurred = torch.nn.functional.avg_pool2d(scene, 3, 1, 1).clamp(0, 1)
    psf, linear = torch.full((2, 3, 3), 1 / 9), torch.tensor([False, True])
    optimizer = torch.optim.Adam(part.groups(stage))

    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss_now = part.loss(stage, blurred, psf, scene, linear)
        loss_now.backward()
        optimizer.step()
        losses.append(float(loss_now.detach()))

    assert losses[-1] < losses[0] - 0.1 * abs(losses[0])


def test_runs_of_the_papers_network_that_began_earlier_go_on() -> None:
    stage = {"part": "deconvolution", "steps": 4000, "batch": 8, "patch": 192, "rate": 1e-3, "separable_rate": 1e-3}
    data = {"noise": [0.008, 0.012], "jpeg": [70, 80], "saturated": 0.75, "gain": [0.9, 1.3]}
    known = {"name": "dcnn", "psf": "disk:7", "preset": "small", "start": "random", "seed": 1}

    digest = recipe_from({**known, "data": data, "stages": [stage]}).digest()

    assert digest.startswith("3e01137d6bea"), "what is new in recipes must not count where it is not used"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"sizes": {"widht": 3}}, r"did you mean width\?"),
        ({"data": {"largest": 20}}, "odd number"),
        ({"data": {"jpeg": 2.0}}, "from 0 to 1"),
        ({"preset": "paper"}, "universal-large"),
        ({"stages": [{"part": "universal", "steps": 1, "repeats": 0}]}, "stages.repeats is 0"),
        ({"stages": [{"part": "universal", "steps": 1, "average": 1.0}]}, r"stages.average is 1\.0"),
        ({"stages": [{"part": p, "steps": 1} for p in ("joint", "universal")]}, "in order"),
        ({"network": "odcnn", "preset": "small", "sizes": {}, "data": {}}, "learns one PSF"),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        recipe(**changes)
