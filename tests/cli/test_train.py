from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.train.tiny import TINY, pictures
from unblur.cli import app
from unblur.train.start import find_recipe
from unblur.weights import read_weights

RUNNER = CliRunner()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, picture in enumerate(pictures()[:3]):
        Image.fromarray((picture[0, 0] * 255).round().byte().numpy()).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def test_a_network_for_ones_own_psf_is_trained_in_one_command(photos: Path, recipe: Path, tmp_path: Path) -> None:
    words = ["train", str(recipe), "--photos", str(photos), "--psf", "disk:2", "-o", str(tmp_path / "run")]

    result = RUNNER.invoke(app, words)

    assert result.exit_code == 0, result.output
    assert "finished" in result.stdout
    weights = read_weights(tmp_path / "run" / "odcnn.safetensors")
    assert weights.card.psf == "disk:2"
    assert weights.card.photographs == 3


def test_prefixes_choose_and_validation_may_come_from_elsewhere(photos: Path, recipe: Path, tmp_path: Path) -> None:
    words = [
        "train",
        str(recipe),
        "--photos",
        str(photos),
        "--validation",
        str(photos),
        "--prefix",
        "0",
        "--prefix",
        "1",
    ]

    result = RUNNER.invoke(app, [*words, "-o", str(tmp_path / "run")])

    assert result.exit_code == 0, result.output
    assert read_weights(tmp_path / "run" / "dcnn.safetensors").card.photographs == 2


def test_the_universal_network_is_tuned_in_one_command(photos: Path, tmp_path: Path) -> None:
    for path in photos.glob("*.png"):
        with Image.open(path) as picture:
            picture.resize((160, 140)).save(path)
    words = ["train", "--from", "universal", "--photos", str(photos), "--psf", "disk:2", "-o", str(tmp_path / "run")]

    result = RUNNER.invoke(app, [*words, "--minutes", "0"])

    assert result.exit_code == 0, result.output
    steps = find_recipe("universal-tune", psf=None).stages[0].steps
    assert f"stopped in universal at step 1 of {steps}" in result.stdout


def test_the_shipped_recipes_are_listed() -> None:
    result = RUNNER.invoke(app, ["train", "--list"])

    assert result.exit_code == 0
    assert "odcnn-disk7-small: " in result.stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "--photos DIR and -o RUN are needed"),
        (["--from", "universal", "--photos", "{photos}", "-o", "{out}"], "name it with --psf"),
        (["--from", "none.safetensors", "--photos", "{photos}", "-o", "{out}"], "cannot be read"),
        (["no-such-recipe", "--photos", "{photos}", "-o", "{out}"], "there is no recipe 'no-such-recipe'"),
        (["{recipe}", "--photos", "{out}", "-o", "{out}"], "no such folder"),
        (["{recipe}", "--photos", "{photos}", "--psf", "disc:7", "-o", "{out}"], "disk"),
        (["{recipe}", "--photos", "{photos}", "--device", "tpu", "-o", "{out}"], "expected auto, cpu"),
        (["{recipe}", "--photos", "{photos}", "--prefix", "holiday", "-o", "{out}"], "no photograph whose name starts"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    words: list[str], complaint: str, photos: Path, recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = [word.format(photos=photos, recipe=recipe, out=out) for word in words]

    result = RUNNER.invoke(app, ["train", *words, "--threads", "1"] if words else ["train", "--threads", "1"])

    assert result.exit_code == 2
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.exists()
