from pathlib import Path

import pytest
import torch

from unblur.errors import WeightsError
from unblur.psf.parametric import disk
from unblur.weights import Card, Weights, psf_distance, read_weights, write_weights


def card() -> Card:
    sizes = {"width": 2, "support": 5}
    return Card(
        network="dcnn", sizes=sizes, psf="disk:7", start="separable", transfer="encoded", recipe={}, photographs=1
    )


def weights() -> Weights:
    return Weights(card=card(), psf=disk(7), tensors={"a": torch.arange(6.0).reshape(2, 3)})


def test_weights_come_back_as_they_went(tmp_path: Path) -> None:
    digest = write_weights(tmp_path / "w.safetensors", weights())

    again = read_weights(tmp_path / "w.safetensors")

    assert again.card.sha256 == digest
    assert torch.equal(again.tensors["a"], weights().tensors["a"])
    assert torch.equal(again.psf, disk(7))


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_weights(path, weights())
    content = bytearray(path.read_bytes())
    content[-3] ^= 1

    path.write_bytes(content)

    with pytest.raises(WeightsError, match="SHA-256"):
        read_weights(path)


@pytest.mark.parametrize("content", [b"", b"\x00" * 40, b"\xff" * 200, b"PK\x03\x04"])
def test_what_is_no_weights_file_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"w\.safetensors"):
        read_weights(path)


def test_a_missing_file_and_a_folder_are_clear_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(WeightsError, match=r"expected a weights file|not a safetensors"):
            read_weights(path)


def test_weights_take_the_psf_they_know_and_its_like_only() -> None:
    assert weights().refusal(disk(7)) is None
    assert weights().refusal(torch.nn.functional.pad(disk(7), (3, 3, 1, 1))) is None
    assert weights().refusal(disk(7.05)) is None
    reason = weights().refusal(disk(6))
    assert reason is not None
    assert "disk:7" in reason


def test_the_distance_of_psfs_is_that_of_their_values() -> None:
    left = torch.tensor([[1.0, 0, 0]])
    right = torch.tensor([[0.0, 0, 1]])

    assert psf_distance(left, right) == 2
    assert psf_distance(disk(3), disk(3)) == 0
