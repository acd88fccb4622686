from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from scipy.io import savemat

from unblur.errors import PsfError
from unblur.io.psf import READABLE, read_psf, write_psf
from unblur.psf.parametric import disk
from unblur.psf.random import shake_seeded
from unblur.tensors import Psf

LEVELS = np.array([[40, 20, 10, 3, 0], [0, 10, 0, 1, 0], [0, 0, 7, 0, 0]], np.uint8)
"""A lopsided 3 × 5 PSF as a file would hold it."""
EXPECTED = torch.from_numpy(LEVELS.astype(np.float32)) / LEVELS.sum()


def png8(path: Path) -> None:
    Image.fromarray(LEVELS).save(path)


def png8_colour(path: Path) -> None:
    colours = np.stack([LEVELS * 2, LEVELS, LEVELS * 0], axis=2)  # averages to LEVELS
    Image.fromarray(colours).save(path)


def png8_opacity(path: Path) -> None:
    opacity = np.full_like(LEVELS, 9)
    Image.fromarray(np.stack([LEVELS, LEVELS, LEVELS, opacity], axis=2)).save(path)


def png16(path: Path) -> None:
    path.write_bytes(imagecodecs.png_encode(LEVELS.astype(np.uint16) * 1000))


def png16_colour(path: Path) -> None:
    # Reading this with 8 bits would round the values to 0 and 1.
    path.write_bytes(imagecodecs.png_encode(np.stack([LEVELS.astype(np.uint16) * 3] * 3, axis=2)))


def npy(path: Path) -> None:
    np.save(path, LEVELS.astype(np.float64))


def tiff_float(path: Path) -> None:
    tifffile.imwrite(path, LEVELS.astype(np.float32) / 77)


def tiff16(path: Path) -> None:
    tifffile.imwrite(path, LEVELS.astype(np.uint16) * 300)


def mat(path: Path) -> None:
    savemat(path, {"PSF": LEVELS.astype(np.float64), "other": np.ones((4, 4)), "note": "text"})


def mat_with_one_array(path: Path) -> None:
    savemat(path, {"estimate": LEVELS, "gain": 2.0, "note": "text"})


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (png8, "k.png"),
        (png8, "k.bmp"),
        (png8_colour, "k.png"),
        (png8_opacity, "k.png"),
        (png16, "k.png"),
        (png16_colour, "k.PNG"),
        (npy, "k.npy"),
        (tiff_float, "k.tif"),
        (tiff16, "k.tiff"),
        (mat, "k.mat"),
        (mat_with_one_array, "k.mat"),
    ],
)
def test_reads_weights_as_they_are_stored(write: Callable[[Path], None], name: str, tmp_path: Path) -> None:
    write(tmp_path / name)

    torch.testing.assert_close(read_psf(str(tmp_path / name)), EXPECTED, atol=1e-6, rtol=0)


def test_reads_a_jpeg_as_well_as_a_jpeg_can_hold_it(tmp_path: Path) -> None:
    stored = (shake_seeded(27, 3) / shake_seeded(27, 3).max() * 255).round().to(torch.uint8)
    Image.fromarray(stored.numpy()).save(tmp_path / "k.jpg", quality=100)

    assert float((read_psf(tmp_path / "k.jpg") - shake_seeded(27, 3)).abs().sum()) < 0.1


@pytest.mark.parametrize(("name", "tolerance"), [("k.npy", 0.0), ("k.tif", 0.0), ("k.png", 1e-6)])
def test_what_was_written_is_read_back(name: str, tolerance: float, tmp_path: Path) -> None:
    psf = shake_seeded(27, 3)

    write_psf(psf, tmp_path / name)

    torch.testing.assert_close(read_psf(tmp_path / name), psf, atol=tolerance + 2e-8, rtol=0)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_text_that_is_no_file_is_read_as_a_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert torch.equal(read_psf("disk:7.5"), disk(7.5))


def test_a_file_goes_before_a_shape_of_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    png8(tmp_path / "k.png")
    (tmp_path / "k.png").rename("disk:7.5")

    torch.testing.assert_close(read_psf("disk:7.5"), EXPECTED)


def test_an_even_side_gets_a_zero_at_its_end(tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", LEVELS[:2, :4])

    psf = read_psf(tmp_path / "k.npy")

    assert psf.shape == (3, 5)
    assert float(psf[2].sum() + psf[:, 4].sum()) == 0
    assert float(psf[0, 0]) == pytest.approx(40 / LEVELS[:2, :4].sum())


def test_flipping_turns_the_psf_about_its_origin(tmp_path: Path) -> None:
    npy(tmp_path / "k.npy")

    torch.testing.assert_close(read_psf(tmp_path / "k.npy", flip=True), EXPECTED.flip(0, 1))


def test_recentring_happens_only_when_asked_for(tmp_path: Path) -> None:
    values = np.zeros((5, 7))
    values[0, 6] = 1
    np.save(tmp_path / "k.npy", values)

    assert read_psf(tmp_path / "k.npy")[0, 6] == 1
    centred = read_psf(tmp_path / "k.npy", recentre=True)
    assert centred[centred.shape[0] // 2, centred.shape[1] // 2] == 1


@pytest.mark.parametrize("ending", READABLE)
def test_missing_empty_and_damaged_files_are_refused_in_one_sentence(ending: str, tmp_path: Path) -> None:
    empty, noise, folder = (tmp_path / f"{name}{ending}" for name in ("empty", "noise", "folder"))
    empty.touch()
    noise.write_bytes(bytes(range(256)) * 3)
    folder.mkdir()

    for path, complaint in (
        (tmp_path / f"missing{ending}", "does not exist"),
        (empty, "is empty"),
        (folder, "is a folder"),
        (noise, "noise"),
    ):
        with pytest.raises(PsfError) as caught:
            read_psf(str(path))
        assert complaint in str(caught.value)
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("write", "name"), [(png16, "k.png"), (npy, "k.npy"), (tiff_float, "k.tif"), (mat, "k.mat")])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.85])
def test_truncated_files_are_refused(write: Callable[[Path], None], name: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / name
    write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(PsfError, match=name):
        read_psf(path)


def test_pickled_arrays_are_not_unpacked(tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", np.array([[{"a": 1}]], dtype=object), allow_pickle=True)

    with pytest.raises(PsfError, match=r"k\.npy"):
        read_psf(tmp_path / "k.npy")


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (np.ones((2, 4097)), "at most 4096 px"),
        (np.ones((3, 3), complex), "expected real numbers"),
        (np.full((3, 3), "a"), "expected real numbers"),
        (np.array([[1.0, -1], [1, 1]]), "negative"),
        (np.array([[1.0, np.nan]]), "NaN"),
        (np.zeros((3, 3)), "no light"),
        (np.ones(7), "two dimensions"),
        (np.array(1.0), "two dimensions"),
        (np.ones((0, 5)), "at least one pixel"),
    ],
)
def test_arrays_that_are_no_psf_are_refused(
    values: "np.ndarray",
    complaint: str,
    tmp_path: Path,
) -> None:
    np.save(tmp_path / "k.npy", values)

    with pytest.raises(PsfError, match=f"k.npy.*{complaint}"):
        read_psf(tmp_path / "k.npy")


def test_a_picture_larger_than_any_psf_is_refused(tmp_path: Path) -> None:
    Image.new("L", (4097, 2), 9).save(tmp_path / "k.png")

    with pytest.raises(PsfError, match="at most 4096"):
        read_psf(tmp_path / "k.png")


def test_a_matlab_file_with_several_candidates_names_them(tmp_path: Path) -> None:
    savemat(tmp_path / "k.mat", {"first": np.ones((3, 3)), "second": np.ones((5, 5))})

    with pytest.raises(PsfError, match=r"several arrays \(first, second\)"):
        read_psf(tmp_path / "k.mat")


def test_a_matlab_file_without_an_array_says_so(tmp_path: Path) -> None:
    savemat(tmp_path / "k.mat", {"note": "text", "cube": np.ones((2, 2, 2))})

    with pytest.raises(PsfError, match="no two-dimensional numeric array"):
        read_psf(tmp_path / "k.mat")


def test_a_matlab_file_of_version_7_3_says_how_to_save_it(tmp_path: Path) -> None:
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "k.mat").write_bytes(head + bytes(400))

    with pytest.raises(PsfError, match=r"version 7\.3"):
        read_psf(tmp_path / "k.mat")


@pytest.mark.parametrize("text", ["nothing", "a" * 5000, "null\0byte", ""])
def test_texts_that_are_neither_file_nor_shape_are_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(PsfError):
        read_psf(text)


@pytest.mark.parametrize(
    ("name", "complaint"), [("k.jpg", "ends in .jpg"), ("k", "no ending"), ("no/k.npy", "not a folder")]
)
def test_refuses_outputs_that_cannot_be_written(name: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(PsfError, match=complaint):
        write_psf(disk(3), tmp_path / name)


def test_replaces_an_existing_file_only_when_asked_to(comma: Psf, tmp_path: Path) -> None:
    path = tmp_path / "k.npy"
    write_psf(disk(3), path)

    with pytest.raises(PsfError, match="exists already"):
        write_psf(comma, path)

    assert torch.equal(read_psf(path), disk(3))
    write_psf(comma, path, overwrite=True)
    assert torch.equal(read_psf(path), comma)


def test_a_failed_write_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)

    with pytest.raises(PsfError, match="No space left"):
        write_psf(disk(3), tmp_path / "k.npy")

    assert list(tmp_path.iterdir()) == []
