import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.train.tiny import pictures
from unblur.errors import Cancelled, ConfigError
from unblur.tensors import Psf
from unblur.train.__main__ import main
from unblur.train.baseline_families import FAMILIES
from unblur.train.baseline_recipes import BASELINES, BaselineRecipe, Phase
from unblur.train.baselines import BaselineProgress, train_baseline
from unblur.weights import load_into, read_weights

CPU = torch.device("cpu")
SIZES = {
    "crf-cascade": {"stages": 2, "side": 3, "kernels": 11},
    "mlp": {"inside": 9, "outside": 5, "width": 6, "depth": 1, "stride": 3},
    "ssdae": {"side": 7, "width": 6, "depth": 2, "stride": 2},
    "eigen-cnn": {"width": 6, "first": 6, "last": 4},
}


def tiny(network: str, steps: int = 2) -> BaselineRecipe:
    count = len(BASELINES[network].phases) - (3 if network == "crf-cascade" else 0)
    names = [f"phase {number}" for number in range(count)]
    phases = tuple(Phase(name=name, steps=steps, batch=2, patch=24, rate=1e-3) for name in names)
    return BaselineRecipe(network=network, psf="comma", sizes=SIZES[network], phases=phases)


def state(module: torch.nn.Module) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in module.state_dict().values()])


@pytest.mark.parametrize("network", FAMILIES)
def test_an_interrupted_run_ends_as_an_uninterrupted_one(network: str, comma: Psf, tmp_path: Path) -> None:
    recipe, seen = tiny(network), list[BaselineProgress]()
    whole = train_baseline(
        recipe, comma, pictures(), tmp_path / "whole", held_out=pictures()[:1], device=CPU, watch=seen.append
    )

    for _ in range(2):
        train_baseline(recipe, comma, pictures(), tmp_path / "parts", held_out=[], device=CPU, seconds=1e-9)
    parts = train_baseline(recipe, comma, pictures(), tmp_path / "parts", held_out=[], device=CPU)

    assert torch.equal(state(whole), state(parts))
    assert len(seen) == 2 * len(recipe.phases)
    assert seen[-1].share == 1
    assert seen[-1].validation is not None


@pytest.mark.parametrize("network", FAMILIES)
def test_every_phase_changes_the_network_and_only_what_it_trains(network: str, comma: Psf) -> None:
    recipe, family = tiny(network), FAMILIES[network]
    module = family.build(**recipe.sizes)
    pair = (torch.rand(2, 1, 24, 24), torch.rand(2, 1, 24, 24))
    family.start(module, comma, pair, torch.Generator().manual_seed(1))
    torch.nn.init.normal_(list(module.parameters())[-2], generator=torch.Generator().manual_seed(1))

    for phase in range(len(recipe.phases)):
        module.zero_grad()
        family.loss(module, phase, pair, comma).backward()
        moved = {id(parameter) for parameter in module.parameters() if parameter.grad is not None}

        assert moved == {id(parameter) for parameter in family.trained(module, phase)}


def test_training_lowers_the_loss(comma: Psf, tmp_path: Path) -> None:
    seen: list[float] = []
    phase = Phase(name="first", steps=60, batch=4, patch=24, rate=1e-2)
    recipe = dataclasses.replace(tiny("ssdae"), phases=(phase,))

    train_baseline(
        recipe, comma, pictures(), tmp_path, held_out=[], device=CPU, watch=lambda progress: seen.append(progress.loss)
    )

    assert sum(seen[-20:]) < 0.85 * sum(seen[:20])


@pytest.mark.parametrize("network", FAMILIES)
def test_published_weights_restore_as_the_trained_network_does(network: str, comma: Psf, tmp_path: Path) -> None:
    recipe, family = tiny(network, steps=1), FAMILIES[network]
    trained = train_baseline(recipe, comma, pictures(), tmp_path, held_out=[], device=CPU)
    weights = read_weights(tmp_path / f"{network}.safetensors")

    again = family.build(**weights.card.sizes)
    load_into(again, weights)

    photograph = pictures()[2][..., :30, :37]
    with torch.no_grad():
        expected = family.restored(trained, photograph, comma)
        found = family.restored(again, photograph, comma)
    assert expected.shape == photograph.shape
    torch.testing.assert_close(found, expected, atol=5e-3, rtol=0)
    assert weights.refusal(comma) is None


def test_a_stop_from_outside_is_passed_on_and_another_recipe_is_refused(comma: Psf, tmp_path: Path) -> None:
    def stop(progress: BaselineProgress) -> None:
        raise Cancelled(progress.phase)

    recipe = tiny("eigen-cnn")
    with pytest.raises(Cancelled):
        train_baseline(recipe, comma, pictures(), tmp_path, held_out=[], device=CPU, save_every=1, watch=stop)
    with pytest.raises(ConfigError, match="was made by run"):
        train_baseline(recipe, comma.flip(0), pictures(), tmp_path, held_out=[], device=CPU)


def test_the_recipes_build_and_the_whole_of_their_weights_is_small() -> None:
    sizes = {}
    for name, recipe in BASELINES.items():
        with torch.device("meta"):
            module = torch.nn.Linear(1, 1) if name == "crf-cascade" else FAMILIES[name].build(**recipe.sizes)
        sizes[name] = 2 * sum(parameter.numel() for parameter in module.parameters())

    # A cascade and an MLP for each of two PSFs, and 0.83 MB of patch prior.
    assert sum(sizes.values()) + sizes["mlp"] < 6e6 - 0.85e6 - 0.1e6


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(ConfigError, match="no baseline"):
        BaselineRecipe(network="epl")
    with pytest.raises(ConfigError, match="no phases"):
        BaselineRecipe(network="mlp")
    with pytest.raises(ConfigError, match="cannot be trained"):
        Phase(name="x", steps=0, batch=1, patch=1, rate=0.1)


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mlp", "--photos", str(tmp_path / "none"), "-o", str(tmp_path / "run"), "--device", "cpu"]) == 2
    assert "no such folder" in capsys.readouterr().err
