import tomllib
from pathlib import Path

import pytest

from tests.train.tiny import TINY
from unblur.errors import ConfigError
from unblur.train.config import read_recipe, recipe_from
from unblur.train.start import find_recipe, shipped_recipes


def test_every_shipped_recipe_can_be_read() -> None:
    names = [name for name, _ in shipped_recipes()]

    assert "odcnn-disk7-small" in names
    for name in names:
        assert find_recipe(name, psf=None).name == name


def test_a_psf_from_the_command_line_replaces_the_recipes() -> None:
    ours = find_recipe("odcnn-disk7-small", psf="disk:5")

    assert ours.psf == "disk:5"
    assert ours.digest() != find_recipe("odcnn-disk7-small", psf=None).digest()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ('sed = 3\nname = "x"', r"sed is unknown; did you mean seed\?"),
        ("[data]\nnoise = [0.02, 0.01]", "rising range"),
        ("[data]\nnoise = 0.01", "two numbers"),
        ("[data]\njpg = [70, 80]", r"did you mean jpeg\?"),
        ("[sizes]\nwidht = 3", r"did you mean width\?"),
        ('preset = "huge"', "expected one of paper, small"),
        ('seed = "one"', "expected int"),
        ('start = "zero"', "expected one of separable, random"),
        ('[[stages]]\npart = "joint"\nsteps = 3', "in order"),
        ('[[stages]]\npart = "deconvolution"\nsteps = 0', "expected 1 or more"),
        ('[[stages]]\npart = "deconvolution"', "stages.steps is missing"),
        ('[[stages]]\npart = "deconvolution"\nsteps = 3\nrate = 7.0', "between 0 and 1"),
        ("stages = 3", "not a list"),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_refused_with_its_reason(change: str, complaint: str) -> None:
    base = tomllib.loads(TINY)

    with pytest.raises(ConfigError, match=complaint):
        recipe_from({**base, **tomllib.loads(change)})


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name = ", b""])
def test_a_damaged_recipe_file_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=r"broken\.toml"):
        read_recipe(path)
