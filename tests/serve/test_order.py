"""What a request may ask for."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unblur.errors import ConfigError, PsfError
from unblur.io.picture import Picture
from unblur.methods import METHODS
from unblur.serve import order as order_module
from unblur.serve.album import Photograph
from unblur.serve.limits import Limits
from unblur.serve.order import adjustables, order_of


@pytest.fixture
def photograph(tmp_path: Path) -> Photograph:
    """One that nobody will look at."""

    async def made() -> Photograph:
        picture = Picture(pixels=np.zeros((4, 5, 1), np.uint8), format="PNG")
        file = tmp_path / "a" / "photograph.png"
        return Photograph(id="x", name="moon.png", file=file, file_bytes=1, picture=picture)

    return asyncio.run(made())


def asked(words: dict[str, Any], photograph: Photograph) -> object:
    """The order of these words."""
    return order_of(words, photograph, Limits())


@pytest.mark.parametrize("name", ["kernel.npy", "./kernel.npy", "kernel.png", "/etc/passwd"])
def test_a_path_is_never_taken_for_a_psf(
    photograph: Photograph, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "kernel.npy", np.ones((3, 3)))

    with pytest.raises(PsfError, match="is no PSF that is known"):
        asked({"psf": {"shape": name}}, photograph)


@pytest.mark.parametrize("method", ["universal", "odcnn", "dcnn"])
def test_a_request_cannot_name_a_file_of_weights(photograph: Photograph, method: str) -> None:
    words = {"psf": {"shape": "disk:2"}, "method": method, "settings": {"weights": "/etc/passwd"}}

    with pytest.raises(ConfigError, match="no setting 'weights'"):
        asked(words, photograph)


def test_no_setting_of_any_method_that_is_offered_is_text() -> None:
    for method in METHODS.values():
        for setting in adjustables(method):
            assert setting.kind == "choice" or isinstance(setting.default, bool | int | float)


@pytest.mark.parametrize(
    "shape", ["disk:257", "gauss:65", "gauss:2,70,0", "motion:600,3", "polygon:6,300", "shake:999999,seed=1", "d" * 101]
)
def test_a_huge_psf_is_refused_before_it_is_made(
    photograph: Photograph, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(text: str) -> None:
        raise AssertionError(f"{text} was made")

    monkeypatch.setattr(order_module, "parse_psf", never)

    with pytest.raises(PsfError):
        asked({"psf": {"shape": shape}}, photograph)


@pytest.mark.parametrize("shape", ["disk:256", "gauss:64,3,20", "motion:500,45", "polygon:6,256", "shake:513,seed=2"])
def test_the_largest_psfs_that_are_allowed_fit(photograph: Photograph, shape: str) -> None:
    assert asked({"psf": {"shape": shape}}, photograph) is not None


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"psf": "disk:2"},
        {"psf": {"shape": 7}},
        {"psf": {"shape": "disk:2"}, "method": "magic"},
        {"psf": {"shape": "disk:2"}, "method": ["wiener"]},
        {"psf": {"shape": "disk:2"}, "transfer": "gamma"},
        {"psf": {"shape": "disk:2"}, "settings": {"noise_to_signal": 1}},
        {"psf": {"shape": "disk:2"}, "method": "wiener", "settings": "x"},
        {"psf": {"shape": "disk:2"}, "method": "wiener", "settings": {"magic": 1}},
    ],
)
def test_an_order_that_cannot_be_read_is_refused(photograph: Photograph, words: dict[str, Any]) -> None:
    with pytest.raises((ConfigError, PsfError)):
        asked(words, photograph)


def test_of_many_psfs_the_oldest_is_forgotten(photograph: Photograph) -> None:
    names = [photograph.keep_psf(torch.ones(1, 1)) for _ in range(40)]

    assert names[0] not in photograph.psfs
    assert names[-1] in photograph.psfs
