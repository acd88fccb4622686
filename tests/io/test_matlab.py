"""MATLAB files against those that SciPy writes, and lengths that lie."""

import random
import struct
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from scipy.io import savemat

from unblur.errors import PsfError
from unblur.io.matlab import real_matrices

LARGEST = 10_000_000
LOPSIDED = np.array([[4, 2, 1, 0], [0, 1, 0, 3], [9, 0, 7, 0]])


def read(path: Path) -> dict[str, Any]:
    return real_matrices(path, largest=LARGEST)


@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "i2", "u2", "u1"])
@pytest.mark.parametrize(("version", "packed"), [("4", False), ("5", False), ("5", True)])
def test_numbers_arrive_as_scipy_wrote_them(
    dtype: str, version: Literal["4", "5"], packed: bool, tmp_path: Path
) -> None:
    first, second = LOPSIDED.astype(dtype), LOPSIDED[:, ::-1].astype(dtype)
    content = {"psf": first, "a_much_longer_name": second}
    savemat(tmp_path / "a.mat", content, format=version, do_compression=packed)

    found = read(tmp_path / "a.mat")

    assert list(found) == ["psf", "a_much_longer_name"]
    np.testing.assert_array_equal(found["psf"], first)
    np.testing.assert_array_equal(found["a_much_longer_name"], second)


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_no_real_matrix_is_passed_over(packed: bool, tmp_path: Path) -> None:
    others = {
        "text": "words",
        "cell": np.array([{"a": LOPSIDED}], object),
        "complex": LOPSIDED * 1j,
        "cube": np.ones((2, 3, 4)),
        "single": 7.0,
    }
    savemat(tmp_path / "a.mat", {**others, "psf": LOPSIDED}, do_compression=packed)

    assert list(read(tmp_path / "a.mat")) == ["psf"]


def test_text_and_complex_numbers_of_version_4_are_passed_over(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"text": "words", "complex": LOPSIDED * 1j, "psf": LOPSIDED}, format="4")

    assert list(read(tmp_path / "a.mat")) == ["psf"]


def test_the_other_byte_order_is_read(tmp_path: Path) -> None:
    def element(kind: int, content: bytes) -> bytes:
        return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)

    parts = [
        element(6, struct.pack(">II", 6, 0)),
        element(5, struct.pack(">ii", *LOPSIDED.shape)),
        struct.pack(">HH4s", 3, 1, b"psf"),
        element(9, LOPSIDED.T.astype(">f8").tobytes()),
    ]
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\1\0MI"
    (tmp_path / "a.mat").write_bytes(head + element(14, b"".join(parts)))

    np.testing.assert_array_equal(read(tmp_path / "a.mat")["psf"], LOPSIDED)


@pytest.mark.parametrize("version", ["4", "5"])
def test_every_cut_and_every_changed_byte_is_a_matrix_or_one_sentence(
    version: Literal["4", "5"], tmp_path: Path
) -> None:
    path, rng, refused, said = tmp_path / "a.mat", random.Random(1), 0, set[str]()
    savemat(path, {"psf": LOPSIDED.astype(float), "note": "text"}, format=version)
    sound = path.read_bytes()
    for number in range(1200):
        damaged = bytearray(sound)
        if number < len(sound):
            del damaged[number:]
        for _ in range(rng.randrange(1, 4) if number >= len(sound) else 0):
            damaged[rng.randrange(len(damaged))] = rng.choice((0, 1, 127, 128, 255))
        path.write_bytes(damaged)
        try:
            assert all(matrix.ndim == 2 and matrix.nbytes < 10_000 for matrix in read(path).values())
        except PsfError as error:
            refused += 1
            said.add(str(error))
    assert refused > 300
    assert not [words for words in said if "\n" in words]


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_does(tmp_path: Path) -> None:
    squeezed = zlib.compress(bytes(2 * LARGEST))
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    (tmp_path / "a.mat").write_bytes(head + struct.pack("<II", 15, len(squeezed)) + squeezed)

    with pytest.raises(PsfError, match="unpacks to more than 9 MB"):
        read(tmp_path / "a.mat")


def test_another_file_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(b"These are words." * 20)

    with pytest.raises(PsfError, match="no MATLAB file"):
        read(tmp_path / "a.mat")
