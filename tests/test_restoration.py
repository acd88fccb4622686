"""The main job: types, light, tiles, refusals, files."""

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as PillowImage

from tests.conftest import make_chart
from unblur.colour import decode_srgb, encode_srgb
from unblur.devices import torch_device
from unblur.errors import ConfigError, ImageError, PsfError
from unblur.fourier import Blur
from unblur.io.read import read_picture
from unblur.methods import METHODS
from unblur.metrics import psnr
from unblur.psf.parametric import disk
from unblur.restoration import restore, restore_file
from unblur.tensors import Psf, Transfer

Array = np.ndarray[Any, np.dtype[Any]]


def array(dtype: str, *, channels: int = 3) -> Array:
    """A chart of 48 × 64 in the type's own range; the channels differ."""
    grey = make_chart(48, 64)[0, 0].numpy()
    planes = np.stack([grey, grey[::-1], grey[:, ::-1], np.sqrt(grey)], axis=2)[..., :channels]
    top = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    values = np.rint(planes * top) if top > 1 else planes
    return values.astype(dtype) if channels > 1 else values[..., 0].astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_array_comes_back_in_its_type_and_shape(dtype: str, channels: int, comma: Psf) -> None:
    image = array(dtype, channels=channels)
    before = image.copy()

    restored = restore(image, comma, method="wiener")

    assert (type(restored), restored.dtype, restored.shape) == (np.ndarray, image.dtype, image.shape)
    np.testing.assert_array_equal(image, before)
    assert not np.array_equal(restored, image)
    if channels == 4:
        np.testing.assert_array_equal(restored[..., 3], image[..., 3])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 48, 64), (3, 48, 64), (2, 3, 48, 64), (4, 48, 64)])
def test_a_tensor_comes_back_in_its_type_and_shape(dtype: torch.dtype, shape: tuple[int, ...], comma: Psf) -> None:
    image = make_chart(48, 64)[0].expand(shape)
    image = (image * 255).to(dtype) if dtype == torch.uint8 else image.to(dtype)

    restored = restore(image, comma, method="wiener")

    assert (restored.dtype, restored.shape) == (dtype, image.shape)
    if shape[0] == 4:
        assert torch.equal(restored[3], image[3])


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16", "F"])
def test_a_pillow_image_comes_back_in_its_mode(mode: str, comma: Psf) -> None:
    channels = len(mode) if mode in ("LA", "RGB", "RGBA") else 1
    values = array({"I;16": "uint16", "F": "float32"}.get(mode, "uint8"), channels=channels)
    image = PillowImage.fromarray(values)
    image.info["icc_profile"] = b"profile"
    assert image.mode == mode

    restored = restore(image, comma, method="wiener")

    assert (restored.mode, restored.size, restored.info) == (mode, image.size, image.info)
    if mode in ("LA", "RGBA"):
        np.testing.assert_array_equal(np.asarray(restored)[..., -1], values[..., -1])


def test_all_doors_give_the_same_picture(comma: Psf) -> None:
    values = array("uint8")

    from_array = restore(values, comma, method="wiener")

    np.testing.assert_array_equal(
        np.asarray(restore(PillowImage.fromarray(values), comma, method="wiener")), from_array
    )
    tensor = restore(torch.from_numpy(values).permute(2, 0, 1), comma.numpy(), method="wiener")
    np.testing.assert_array_equal(tensor.permute(1, 2, 0).numpy(), from_array)


@pytest.mark.parametrize("transfer", ["linear", "encoded"])
def test_the_light_of_the_blur_is_the_light_of_the_restoration(transfer: Transfer, comma: Psf) -> None:
    sharp = make_chart(96, 120)
    blur = Blur(comma, (96, 120))
    blurred = encode_srgb(blur(decode_srgb(sharp))) if transfer == "linear" else blur(sharp)
    other: Transfer = "encoded" if transfer == "linear" else "linear"
    settings = {"noise_to_signal": 1e-4}

    right = psnr(restore(blurred, comma, transfer=transfer, settings=settings, method="wiener"), sharp, crop=4)
    wrong = psnr(restore(blurred, comma, transfer=other, settings=settings, method="wiener"), sharp, crop=4)

    assert float(right) > float(wrong) + 3


def test_linear_numbers_are_never_decoded(comma: Psf) -> None:
    blurred = make_chart(48, 64)

    torch.testing.assert_close(
        restore(blurred, comma, encoding="linear", method="wiener"),
        restore(blurred, comma, transfer="encoded", method="wiener"),
        atol=0,
        rtol=0,
    )


def test_a_method_that_knows_one_light_refuses_the_other(comma: Psf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "wiener", _like_wiener(transfer="encoded"))
    blurred = make_chart(48, 64)

    torch.testing.assert_close(
        restore(blurred, comma, method="wiener"), restore(blurred, comma, transfer="encoded", method="wiener")
    )
    with pytest.raises(ConfigError, match="transfer encoded only, got linear"):
        restore(blurred, comma, method="wiener", transfer="linear")


def _like_wiener(**changes: Any) -> Any:
    from dataclasses import replace

    return replace(METHODS["wiener"], **changes)


def test_an_ignored_pixel_does_not_ring(comma: Psf) -> None:
    sharp = make_chart(48, 64)
    blurred = Blur(comma, (48, 64))(sharp)
    stained = blurred.clone()
    stained[..., 20:22, 30:33] = 0
    mask = np.ones((48, 64), np.uint8)
    mask[20:22, 30:33] = 0

    trusting = restore(stained, comma, encoding="linear", method="richardson-lucy")
    ignoring = restore(stained, comma, encoding="linear", method="richardson-lucy", weight=mask)

    assert float((ignoring - sharp).square().mean()) < 0.5 * float((trusting - sharp).square().mean())
    as_bytes = restore(stained, comma, encoding="linear", method="richardson-lucy", weight=mask * np.uint8(255))
    assert torch.equal(as_bytes, ignoring)


def test_tiles_change_a_picture_by_at_most_one_step(comma: Psf) -> None:
    image = (make_chart(200, 230)[0, 0].numpy() * 255).astype(np.uint8)

    whole = restore(image, comma, method="wiener")
    parts = restore(image, comma, method="wiener", tile=90)
    small = restore(image, comma, method="wiener", memory=2_000_000)

    assert not np.array_equal(whole, image)
    for pieces in (parts, small):
        difference = pieces.astype(int) - whole.astype(int)
        assert np.abs(difference).max() <= 1


def test_a_method_that_needs_the_whole_picture_refuses_tiles(comma: Psf, monkeypatch: pytest.MonkeyPatch) -> None:
    tiling = type(METHODS["wiener"].tiling)(kind="whole", margin=lambda *_: 0)
    monkeypatch.setitem(METHODS, "wiener", _like_wiener(tiling=tiling))

    with pytest.raises(ConfigError, match=r"refuses tiles; the whole picture takes about \d+ MB"):
        restore(make_chart(48, 64), comma, method="wiener", tile=32)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((4, 5, 2)), r"shape \(4, 5, 2\)"),
        (np.zeros((4, 5), np.int64), "int64"),
        (np.zeros((0, 5)), "at least one pixel"),
        (np.full((8, 8), np.nan), "64 of 64 values are NaN"),
        (np.full((8, 8), 128.0), "1 = white"),
        (torch.zeros(8, 8), r"\(C, H, W\)"),
        ([[0.5]], "is a list"),
        (PillowImage.new("P", (8, 8)), "mode P"),
    ],
)
def test_what_is_no_picture_is_refused(image: Any, words: str, comma: Psf) -> None:
    with pytest.raises(ImageError, match=words):
        restore(image, comma, method="wiener")


def test_a_psf_larger_than_the_picture_is_refused() -> None:
    with pytest.raises(PsfError, match="15 x 15 pixels, expected at most the picture's 30 x 9"):
        restore(np.zeros((9, 30)), disk(7), method="wiener")


def test_a_single_pixel_without_blur_is_returned() -> None:
    assert restore(np.array([[77]], np.uint8), np.ones((1, 1)), method="wiener").tolist() == [[77]]


def test_unknown_names_are_refused_with_the_known_ones(comma: Psf) -> None:
    with pytest.raises(ConfigError, match="expected one of wiener"):
        restore(make_chart(48, 64), comma, method="winer")
    with pytest.raises(ConfigError, match="did you mean noise_to_signal"):
        restore(make_chart(48, 64), comma, method="wiener", settings={"noise_to_signl": 1})
    with pytest.raises(ConfigError, match="expected auto, cpu, cuda or mps"):
        torch_device("gpu")


def test_a_weight_of_another_size_is_refused(comma: Psf) -> None:
    with pytest.raises(ImageError, match=r"shape \(64, 48\), expected the picture's \(48, 64\)"):
        restore(make_chart(48, 64), comma, weight=np.ones((64, 48)), method="wiener")


def test_gradients_reach_the_blurred_picture(comma: Psf) -> None:
    blurred = make_chart(48, 64).requires_grad_()

    restore(blurred, comma, method="wiener").sum().backward()

    assert blurred.grad is not None
    assert bool(blurred.grad.abs().sum() > 0)


def test_a_file_equals_its_array(comma: Psf, tmp_path: Path) -> None:
    values = array("uint16")
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")

    outcome = restore_file(tmp_path / "a.tif", psf=comma, method="wiener")

    assert outcome.output == tmp_path / "a-restored.tif"
    assert outcome.method == "wiener"
    np.testing.assert_array_equal(tifffile.imread(outcome.output), restore(values, comma, method="wiener"))


def test_the_photograph_itself_is_never_replaced(comma: Psf, tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    PillowImage.fromarray(array("uint8")).save(photo)
    before = photo.read_bytes()
    (tmp_path / "link.png").symlink_to(photo)

    for output in (photo, tmp_path / "link.png"):
        with pytest.raises(ImageError, match="is an input as well"):
            restore_file(photo, output, psf=comma, overwrite=True)

    assert photo.read_bytes() == before


def test_a_sheet_shows_before_and_after(comma: Psf, tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    image = np.tile(array("uint8"), (10, 16, 1))
    PillowImage.fromarray(image).save(photo)

    restore_file(photo, psf=comma, method="wiener", compare=tmp_path / "sheet.png")

    sheet = read_picture(tmp_path / "sheet.png").pixels
    assert sheet.shape[1] > 2 * 900
    before = image[: 48 * 10, : 16 * 40]
    assert _contains(sheet, before[100:140, 100:140])


def _contains(sheet: Array, part: Array) -> bool:
    """Whether the part stands in the sheet pixel by pixel."""
    height, width = part.shape[:2]
    corners = np.argwhere((sheet[: -height + 1, : -width + 1] == part[0, 0]).all(axis=2))
    return any(np.array_equal(sheet[y : y + height, x : x + width], part) for y, x in corners)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_depth_and_channels_survive_from_file_to_file(
    depth: type[np.generic], channels: int, suffix: str, tmp_path: Path
) -> None:
    chart = make_chart(40, 50)[0, 0].numpy()
    planes = [chart, chart[::-1], chart[:, ::-1], np.linspace(0, 1, 2000).reshape(40, 50)][4 - channels :]
    stored = np.stack(planes, axis=-1) * np.iinfo(depth).max  # type: ignore[type-var]
    photo = tmp_path / f"photo{suffix}"
    if suffix == ".png":
        photo.write_bytes(imagecodecs.png_encode(stored.astype(depth).squeeze()))
    else:
        opacity = ["unassalpha"] if channels in (2, 4) else None
        photometric = "rgb" if channels > 2 else "minisblack"
        tifffile.imwrite(photo, stored.astype(depth).squeeze(), photometric=photometric, extrasamples=opacity)

    outcome = restore_file(photo, psf="delta", method="wiener")

    again = imagecodecs.png_decode(outcome.output.read_bytes()) if suffix == ".png" else tifffile.imread(outcome.output)
    assert again.dtype == depth
    np.testing.assert_allclose(again.astype(float), stored.squeeze(), atol=0.02 * np.iinfo(depth).max)  # type: ignore[type-var]
