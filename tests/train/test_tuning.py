"""A universal network fitted to one PSF: what it begins from, and what its card then says."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.train.test_universal import CPU, TINY, recipe, trained
from tests.train.tiny import pictures
from unblur.errors import ConfigError, WeightsError
from unblur.metrics import psnr
from unblur.networks.universal import sizes_of
from unblur.psf.parametric import disk
from unblur.train.launch import Schedule, train_recipe
from unblur.train.start import start_training, tuning_recipe, weights_to_tune
from unblur.universal import UniversalSettings, network_of, universal
from unblur.weights import Weights, read_weights

TUNE = TINY.replace('name = "tiny-universal"', 'name = "tiny-tune"').replace("steps = 16", "steps = 3")


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a tiny universal network."""
    folder = tmp_path_factory.mktemp("universal")
    trained(folder)
    return folder / "universal.safetensors"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, picture in enumerate(pictures()[:3]):
        large = torch.nn.functional.interpolate(picture, scale_factor=3)
        Image.fromarray((large[0, 0] * 255).round().byte().numpy()).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def tiny_tune(tmp_path: Path) -> Path:
    path = tmp_path / "tune.toml"
    path.write_text(TUNE)
    return path


def restored_by(weights: Weights, picture: torch.Tensor) -> torch.Tensor:
    network = network_of(weights)
    with torch.no_grad():
        return network(picture, disk(2))


def test_a_run_begins_with_the_weights_that_were_named(beginning: Path, photos: Path, tmp_path: Path) -> None:
    still = tmp_path / "still.toml"
    still.write_text(TUNE.replace("rate = 2e-3", "rate = 1e-12").replace("steps = 3", "steps = 1"))

    start_training(str(still), photos, tmp_path / "run", psf="disk:2", begin_from=str(beginning))

    tuned, before = read_weights(tmp_path / "run" / "universal.safetensors"), read_weights(beginning)
    for name, tensor in before.tensors.items():
        torch.testing.assert_close(tuned.tensors[name], tensor, atol=1e-6, rtol=1e-3)


def test_the_card_says_what_it_was_tuned_for_and_from_what(
    beginning: Path, photos: Path, tiny_tune: Path, tmp_path: Path
) -> None:
    run = start_training(
        str(tiny_tune), photos, tmp_path / "run", psf="disk:2", begin_from=str(beginning), validation=photos
    )

    tuned, before = read_weights(tmp_path / "run" / "universal.safetensors"), read_weights(beginning)
    assert run.finished
    assert (tuned.card.psf, tuned.card.start) == ("disk:2", "trained")
    assert torch.equal(tuned.psf, disk(2))
    assert before.card.sha256[:12] in tuned.card.begun_from
    assert "PSF any on 32 patches" in tuned.card.begun_from
    assert sizes_of(tuned.card.sizes) == sizes_of(before.card.sizes)
    assert {"own", "own-sat"} <= run.validation.keys()
    assert any(not torch.equal(tuned.tensors[name], tensor) for name, tensor in before.tensors.items())


def test_tuned_weights_restore_any_psf(beginning: Path) -> None:
    restore = universal("universal")(CPU, UniversalSettings(weights=str(beginning)))

    assert torch.isfinite(restore(pictures()[0], disk(3))).all()


def test_tuning_stopped_and_called_again_equals_one_go(
    beginning: Path, photos: Path, tiny_tune: Path, tmp_path: Path
) -> None:
    def tune(name: str, schedule: Schedule | None = None) -> torch.nn.Module:
        run = start_training(
            str(tiny_tune), photos, tmp_path / name, psf="disk:2", begin_from=str(beginning), schedule=schedule
        )
        return run.parts

    whole = tune("whole")
    tune("parts", Schedule(seconds=0.0))
    parts = tune("parts")

    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, parts.state_dict()[name]), name


def test_other_weights_do_not_continue_a_run(beginning: Path, photos: Path, tiny_tune: Path, tmp_path: Path) -> None:
    start_training(
        str(tiny_tune),
        photos,
        tmp_path / "run",
        psf="disk:2",
        begin_from=str(beginning),
        schedule=Schedule(seconds=0.0),
    )
    start_training(str(tiny_tune), photos, tmp_path / "other", psf="disk:2", begin_from=str(beginning))
    other = tmp_path / "other" / "universal.safetensors"

    with pytest.raises(ConfigError, match="another output folder"):
        start_training(str(tiny_tune), photos, tmp_path / "run", psf="disk:2", begin_from=str(other))


def test_without_a_recipe_the_shipped_one_is_taken_with_the_weights_sizes(beginning: Path) -> None:
    weights = weights_to_tune(str(beginning))

    tuned = tuning_recipe(None, weights, psf="disk:2")

    assert tuned.name == "universal-tune"
    assert sizes_of(tuned.network_sizes) == sizes_of(weights.card.sizes)
    assert tuned.begun_from == weights.card.sha256
    assert tuned.digest() != replace(tuned, begun_from="").digest()


def test_shipped_weights_can_be_tuned_by_their_name() -> None:
    assert weights_to_tune("universal").card.network == "universal"


def test_what_cannot_be_tuned_is_refused(beginning: Path, photos: Path, tmp_path: Path) -> None:
    weights = weights_to_tune(str(beginning))

    with pytest.raises(ConfigError, match="--psf"):
        tuning_recipe(None, weights, psf=None)
    with pytest.raises(ConfigError, match="universal network only"):
        tuning_recipe("odcnn-disk7-small", weights, psf=None)
    with pytest.raises(ConfigError, match="expected a universal network"):
        weights_to_tune("odcnn-disk7")
    with pytest.raises(WeightsError, match="no weights called"):
        weights_to_tune("universel")
    with pytest.raises(ConfigError, match="nothing to train"):
        start_training(None, photos, tmp_path / "run")
    with pytest.raises(ConfigError, match="begins from weights"):
        train_recipe(recipe(begun_from="abc"), None, pictures()[:1], tmp_path / "run", held_out=[], device=CPU)
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_begins_afresh_keeps_its_digest() -> None:
    plain = {**tomllib.loads(TINY)}

    assert "begun_from" not in plain
    assert recipe().digest() == recipe(begun_from="").digest()


def test_storing_kernels_in_half_precision_loses_next_to_nothing(tmp_path: Path) -> None:
    run = trained(tmp_path)
    stored = read_weights(tmp_path / "universal.safetensors")
    picture = pictures()[0]

    with torch.no_grad():
        exact = run.parts.part("universal")(picture, disk(2))
    halved = restored_by(stored, picture)

    kernels = [tensor for tensor in stored.tensors.values() if tensor.ndim == 4]
    assert kernels
    assert all(tensor.dtype == torch.float16 for tensor in kernels)
    assert 0 < float((halved - exact).abs().max()) < 1e-3
    assert abs(float(psnr(halved, picture)[0]) - float(psnr(exact, picture)[0])) < 0.01
