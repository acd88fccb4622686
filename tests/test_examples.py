"""The examples run, do what they are there to show, and the gallery's pictures are theirs."""

import re
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
PICTURES = ROOT / "docs" / "pictures" / "gallery"


@pytest.fixture(autouse=True)
def beside_the_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts find their neighbours as if they had been started from their folder."""
    monkeypatch.syspath_prepend(str(EXAMPLES))


def scenes() -> tuple[str, ...]:
    text = (EXAMPLES / "gallery.py").read_text(encoding="utf-8")
    return tuple(re.findall(r'^    "(\w+)",$', text, re.MULTILINE))


def quickly(scene: str, folder: Path) -> Mapping[str, float]:
    """Numbers of a scene on a small picture; its sheet must be there."""
    found: Mapping[str, float] = import_module(scene).main(folder, quick=True)
    with Image.open(folder / f"{scene.replace('_', '-')}.webp") as drawn:
        assert drawn.width > 200
        assert np.asarray(drawn).std() > 20
    return found


def test_the_defocus_example_sharpens_the_bundled_photograph(tmp_path: Path) -> None:
    import_module("restore_defocus").main(tmp_path)

    blurred = np.asarray(Image.open(EXAMPLES / "photographs" / "out-of-focus.jpg").convert("L"), np.float64)
    for method in ("wiener", "odcnn"):
        restored = np.asarray(Image.open(tmp_path / f"{method}.png").convert("L"), np.float64)
        assert restored.shape == blurred.shape
        assert np.abs(np.diff(restored)).mean() > 1.3 * np.abs(np.diff(blurred)).mean()


def test_the_default_method_is_ahead_where_lights_clip(tmp_path: Path) -> None:
    found = quickly("out_of_focus_lights", tmp_path)

    assert found["universal"] > max(found["photograph"], found["wiener"]) + 1


def test_a_shake_a_line_and_noise_are_undone(tmp_path: Path) -> None:
    shaken, moved = quickly("camera_shake", tmp_path), quickly("line_motion", tmp_path)
    noisy = quickly("noise_and_jpeg", tmp_path)

    assert shaken["universal"] > shaken["photograph"] + 4
    assert moved["restored"] > moved["photograph"] + 2
    assert noisy["universal, nothing to set"] > max(noisy["photograph"], noisy["wiener"]) + 1


def test_a_psf_measured_at_a_star_is_nearly_as_good_as_the_true_one(tmp_path: Path) -> None:
    found = quickly("psf_from_a_star", tmp_path)

    assert found["likeness of the PSFs"] > 0.97
    assert found["with the measured PSF"] > max(found["photograph"] + 1, found["with the true PSF"] - 0.5)


def test_a_wrong_psf_is_worse_than_the_right_one(tmp_path: Path) -> None:
    found = quickly("wrong_psf", tmp_path)

    assert found["disk:5"] > max(found["disk:3.5"], found["disk:6.5"], found["photograph"]) + 2


def test_a_moving_subject_is_restored_by_itself(tmp_path: Path) -> None:
    found = quickly("moving_subject", tmp_path)

    assert found["all of it restored"] < found["photograph"] < found["the bus alone"] - 2


def test_a_table_of_psfs_undoes_a_rolling_shutter_better_than_one_psf(tmp_path: Path) -> None:
    found = quickly("rolling_shutter", tmp_path)

    assert found["a table of 3 PSFs"] > max(found["one PSF, of the middle"], found["photograph"]) + 1


def test_the_function_in_scikit_images_style_is_ahead_of_scikit_image_inside_too(tmp_path: Path) -> None:
    found = quickly("scikit_image_style", tmp_path)

    assert found["unblur deconvolve, inner"] > found["skimage richardson_lucy, inner"]
    assert found["unblur deconvolve"] > found["photograph"] + 1


def test_gradients_lead_from_a_guess_to_the_psf(tmp_path: Path) -> None:
    found = quickly("torch_gradients", tmp_path)

    assert found["the learned PSF misses"] < 0.5 * found["the guess PSF misses"]
    assert found["with the learned PSF"] > found["with the guessed PSF"] + 1


def test_the_universal_network_is_tuned_and_used(tmp_path: Path) -> None:
    found = quickly("own_camera", tmp_path)

    assert found["universal, tuned"] > found["photograph"] + 2
    assert found["universal, tuned"] != found["universal"]  # two steps changed something


def test_the_hurried_recipe_changes_every_line_that_it_names() -> None:
    own_camera = import_module("own_camera")

    recipe = own_camera.RECIPE.read_text(encoding="utf-8")
    assert [line for line in own_camera.IN_A_HURRY if f"\n{line}\n" not in recipe] == []


def test_a_scene_is_made_from_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "line_motion.py"), "--quick", "-o", str(tmp_path)]

    result = subprocess.run(command, capture_output=True, text=True, check=True)

    assert "restored" in result.stdout
    assert (tmp_path / "line-motion.webp").exists()


def test_every_scene_has_its_picture_and_its_place_in_the_gallery() -> None:
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    pictures = {path.stem: path.stat().st_size for path in PICTURES.iterdir()}

    assert set(scenes()) == set(import_module("gallery").SCENES)
    assert set(pictures) == {scene.replace("_", "-") for scene in scenes()}
    assert re.findall(r"^Made by `examples/(\w+)\.py`\.$", page, re.MULTILINE) == list(scenes())
    for name in pictures:
        assert re.search(rf"!\[[^\]]{{30,}}\]\(pictures/gallery/{name}\.webp\)", page), name
    assert max(pictures.values()) <= 80_000
    assert sum(pictures.values()) + sum(path.stat().st_size for path in EXAMPLES.rglob("*.jpg")) <= 700_000


def test_every_photograph_of_the_examples_is_credited() -> None:
    credits = (EXAMPLES / "photographs" / "README.md").read_text(encoding="utf-8")

    assert all(f"`{path.name}`" in credits for path in (EXAMPLES / "photographs").glob("*.jpg"))
