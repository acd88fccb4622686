"""Weights that lie about themselves, with hashes that are right."""

import dataclasses
import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.robust import samples
from unblur.errors import WeightsError
from unblur.trained import network_of
from unblur.weights import Weights, read_weights, write_weights


@pytest.fixture
def sound(tmp_path: Path) -> Weights:
    path = tmp_path / "sound.safetensors"
    path.write_bytes(samples.weights()["dcnn.safetensors"])
    return read_weights(path)


def forged(path: Path, **said: Any) -> Path:
    """The sound file with another card; the tensors, and so their hash, stay."""
    content = samples.weights()["dcnn.safetensors"]
    length = struct.unpack_from("<Q", content)[0]
    header = json.loads(content[8 : 8 + length])
    card = {**json.loads(header["__metadata__"]["card"]), **said}
    header["__metadata__"]["card"] = json.dumps(card)
    written = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(written)) + written + content[8 + length :])
    return path


def test_a_tensor_of_terabytes_is_refused_by_its_claim(tmp_path: Path) -> None:
    header = b'{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}'
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(64))

    with pytest.raises(WeightsError, match="not a safetensors file, or damaged"):
        read_weights(path)


def test_a_file_above_the_limit_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with path.open("wb") as file:
        file.truncate(300 * 2**20)  # takes no space on the disk

    with pytest.raises(WeightsError, match="expected at most"):
        read_weights(path)


@pytest.mark.parametrize(
    "sizes",
    [
        {"width": 2**20, "support": 2**20 - 1},
        {"width": 10**9, "support": 11},
        {"width": 2**40, "support": 2**40 - 1},
        {"width": 5, "support": 11},
        {"width": 4},
        {"width": 4, "support": 10},
    ],
)
def test_sizes_on_a_card_are_compared_with_the_tensors_before_memory_is_taken(
    sizes: dict[str, int], tmp_path: Path
) -> None:
    weights = read_weights(forged(tmp_path / "w.safetensors", sizes=sizes))

    with pytest.raises(Exception, match=r"fit|sizes|size|expected") as caught:
        network_of(weights)

    assert type(caught.value).__module__ == "unblur.errors"


@pytest.mark.parametrize(
    "said",
    [{"sizes": {"width": "4", "support": 11}}, {"sizes": [4]}, {"network": None}, {"steps": 3}, {"hours": "many"}],
)
def test_a_card_with_another_type_than_it_should_is_refused(said: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="card that this version can read"):
        read_weights(forged(tmp_path / "w.safetensors", **said))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(value: float, sound: Weights, tmp_path: Path) -> None:
    name = sorted(sound.tensors)[0]
    tensors = {**sound.tensors, name: torch.full_like(sound.tensors[name], value)}
    write_weights(tmp_path / "w.safetensors", dataclasses.replace(sound, tensors=tensors))

    with pytest.raises(WeightsError, match="NaN, infinite"):
        read_weights(tmp_path / "w.safetensors")


def test_sound_weights_make_their_network(sound: Weights) -> None:
    module = network_of(sound)

    assert torch.equal(module.state_dict()["mix.weight"], sound.tensors["mix.weight"])
