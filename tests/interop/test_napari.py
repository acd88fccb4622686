"""The napari command, with a stand-in for its layers, and the manifest that declares it."""

import tomllib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import unblur.interop
from tests.conftest import make_chart
from unblur.errors import ImageError
from unblur.interop.napari import restore_layer
from unblur.interop.scikit_image import Array, deconvolve

ROOT = Path(__file__).parents[2]
GREY = make_chart(40, 56)[0, 0].numpy()
KERNEL = np.ones((3, 3)) / 9


@dataclass
class Layer:
    """What the command reads of napari's image layers."""

    data: Array
    rgb: bool = False
    name: str = "cells"
    scale: tuple[float, ...] = (1.0, 1.0)
    multiscale: bool = False


def restored_of(layer: Layer, path: Path, **options: Any) -> Array:
    """The command's picture for a PSF of 3 × 3 equal pixels."""
    np.save(path / "psf.npy", KERNEL)
    data, shown, kind = restore_layer(layer, psf=str(path / "psf.npy"), method="wiener", **options)
    assert (data.shape, data.dtype, kind) == (layer.data.shape, layer.data.dtype, "image")
    assert shown == {"name": "cells restored", "rgb": layer.rgb, "scale": layer.scale}
    return data


def test_the_pictures_of_a_stack_are_restored_one_by_one(tmp_path: Path) -> None:
    stack = np.stack([GREY, GREY[::-1], GREY[:, ::-1]])[:, None].astype(np.float32)
    before = stack.copy()

    restored = restored_of(Layer(stack), tmp_path)

    for number in range(3):
        np.testing.assert_allclose(
            restored[number, 0], deconvolve(stack[number, 0], KERNEL, method="wiener"), atol=1e-6
        )
    np.testing.assert_array_equal(stack, before)


def test_numbers_keep_their_type_and_white_is_where_the_sensor_clips(tmp_path: Path) -> None:
    image = (np.minimum(GREY * 5000, 4095)).astype(np.uint16)

    restored = restored_of(Layer(image), tmp_path, white=4095.0)

    expected = deconvolve(image / np.float32(4095), KERNEL, method="wiener") * 4095
    np.testing.assert_array_equal(restored, np.rint(expected))
    assert restored.max() == 4095
    assert restored_of(Layer(image), tmp_path).max() > 4095


def test_opacity_stays_and_the_light_of_photographs_is_linear(tmp_path: Path) -> None:
    image = np.stack([GREY, GREY[::-1], np.sqrt(GREY), GREY], axis=2)
    image = np.rint(image * 255).astype(np.uint8)

    restored = restored_of(Layer(image, rgb=True), tmp_path, light="sRGB")

    np.testing.assert_array_equal(restored[..., 3], image[..., 3])
    expected = deconvolve(image[..., :3], KERNEL, method="wiener", transfer="linear", channel_axis=2)
    assert np.abs(restored[..., :3] - expected * 255).max() < 1
    assert not np.array_equal(restored, restored_of(Layer(image, rgb=True), tmp_path))


def test_what_it_cannot_restore_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cells holds several scales"):
        restored_of(Layer(GREY, multiscale=True), tmp_path)
    with pytest.raises(ImageError, match="white is -1"):
        restored_of(Layer(GREY), tmp_path, white=-1.0)


def test_the_manifest_names_the_command_that_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, file = project["entry-points"]["napari.manifest"]["unblur"].split(":")
    manifest = yaml.safe_load((Path(unblur.interop.__path__[0]) / file).read_text(encoding="utf-8"))

    assert (module, manifest["name"]) == ("unblur.interop", project["name"])
    [command] = manifest["contributions"]["commands"]
    [widget] = manifest["contributions"]["widgets"]
    assert command["id"] == widget["command"]
    assert command["id"].startswith(f"{manifest['name']}.")
    where, function = command["python_name"].split(":")
    assert getattr(import_module(where), function) is restore_layer
