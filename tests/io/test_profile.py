"""Tone curves of colour profiles: against their definitions, LittleCMS and the files that carry them."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms

from unblur.colour import SRGB, decode_srgb, encode_srgb
from unblur.io.profile import is_linear, linear_profile, linear_to_srgb, tone_curve
from unblur.io.read import read_picture
from unblur.restoration import restore, restore_file

SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
P3_TO_SRGB = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
ADOBE_TO_SRGB = np.array([[1.3982, -0.3982, 0.0], [0.0, 1.0, 0.0], [0.0, -0.0429, 1.0429]])
STORED = torch.linspace(0, 1, 301).reshape(1, 1, 1, -1).expand(1, 3, 1, -1).contiguous()


def para(kind: int, *numbers: float) -> bytes:
    fixed = (round(number * 65536) for number in numbers)
    return b"para" + bytes(4) + struct.pack(f">HH{len(numbers)}i", kind, 0, *fixed)


def curv(*numbers: int) -> bytes:
    return b"curv" + bytes(4) + struct.pack(f">I{len(numbers)}H", len(numbers), *numbers)


TABLE = curv(*(round(65535 * (k / 99) ** 1.5) for k in range(100)))


def profile(curve: bytes, to_srgb: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]" = np.eye(3)) -> bytes:  # noqa: B008
    """The project's linear profile with other curves, which are put at its end."""
    icc = bytearray(linear_profile(to_srgb, "a test"))
    place = len(icc)
    icc += curve + bytes(-len(curve) % 4)
    for entry in range(132, 132 + 12 * struct.unpack_from(">I", icc, 128)[0], 12):
        if bytes(icc[entry : entry + 4]) in (b"rTRC", b"gTRC", b"bTRC"):
            struct.pack_into(">II", icc, entry + 4, place, len(curve))
    struct.pack_into(">I", icc, 0, len(icc))
    return bytes(icc)


DISPLAY_P3 = profile(para(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045), P3_TO_SRGB)
ADOBE_RGB = profile(curv(round(2.19921875 * 256)), ADOBE_TO_SRGB)
LINEAR = profile(curv(), P3_TO_SRGB)


@pytest.mark.parametrize("icc", [SRGB_PROFILE, DISPLAY_P3], ids=["LittleCMS's sRGB", "Display P3"])
def test_the_curve_of_srgb_is_recognised(icc: bytes) -> None:
    assert tone_curve(icc) is SRGB


def test_adobe_rgb_is_a_power_of_two_point_two() -> None:
    curve = tone_curve(ADOBE_RGB)

    assert curve is not None
    torch.testing.assert_close(curve.decode(STORED), STORED**2.19921875)
    assert not is_linear(curve)
    assert float((curve.decode(STORED) - decode_srgb(STORED)).abs().max()) > 0.004


def test_a_linear_profile_is_linear() -> None:
    curve = tone_curve(LINEAR)

    assert curve is not None
    assert is_linear(curve)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (para(0, 1.8), STORED**1.8),
        (para(1, 2.0, 1.25, -0.25), (1.25 * STORED - 0.25).clamp_min(0) ** 2),
        (para(2, 2.0, 1.2, -0.3, 0.1), (1.2 * STORED - 0.3).clamp_min(0) ** 2 + 0.1),
        (
            para(4, 2.0, 0.9, 0.1, 0.2, 0.1017, 0.0, -0.01),
            torch.where(STORED >= 0.1017, (0.9 * STORED + 0.1) ** 2, (0.2 * STORED - 0.01).clamp_min(0)),
        ),
        (TABLE, STORED**1.5),
    ],
    ids=["para 0", "para 1", "para 2", "para 4", "table"],
)
def test_every_kind_of_curve_decodes_as_defined(tag: bytes, expected: torch.Tensor) -> None:
    curve = tone_curve(profile(tag))

    assert curve is not None
    torch.testing.assert_close(curve.decode(STORED), expected, atol=2e-4, rtol=0)


@pytest.mark.parametrize(
    "tag",
    [para(0, 1.8), para(3, 3.0, 0.86, 0.14, 0.11, 0.08), curv(600), TABLE],
)
def test_encoding_undoes_decoding_below_zero_and_above_white_too(tag: bytes) -> None:
    curve = tone_curve(profile(tag))
    stored = torch.linspace(-0.5, 1.5, 401).reshape(1, 1, 1, -1)

    assert curve is not None
    torch.testing.assert_close(curve.encode(curve.decode(stored)), stored, atol=2e-3, rtol=0)


def test_each_channel_has_its_own_curve() -> None:
    icc = bytearray(profile(para(0, 2.0)))
    place = icc.index(b"gTRC", 128)
    struct.pack_into(">II", icc, place + 4, len(icc), 16)
    curve = tone_curve(bytes(icc) + para(0, 3.0))

    assert curve is not None
    light = curve.decode(torch.full((1, 3, 1, 1), 0.5)).flatten()
    assert light.tolist() == pytest.approx([0.25, 0.125, 0.25], abs=1e-4)


@pytest.mark.parametrize(
    "icc", [b"", b"junk" * 60, SRGB_PROFILE[:150], profile(b"mft2" + bytes(40)), profile(para(0, 0.0))]
)
def test_a_profile_without_a_curve_that_can_be_used_gives_none(icc: bytes) -> None:
    assert tone_curve(icc) is None


def test_littlecms_understands_the_linear_profile_and_agrees_about_its_colours() -> None:
    icc = profile(curv(), P3_TO_SRGB)
    linear = np.array([[[200, 90, 40], [30, 180, 90], [128, 128, 128]]], np.uint8)
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB"), "RGB", "RGB"
    )
    converted = ImageCms.applyTransform(Image.fromarray(linear), transform)

    to_srgb = linear_to_srgb(icc)
    assert to_srgb is not None
    mine = torch.from_numpy((linear / 255) @ to_srgb.T).clamp(0, 1)[None]
    assert np.abs(255 * encode_srgb(mine)[0].numpy() - np.asarray(converted, float)).max() < 2


def test_a_grey_profile_says_linear_too() -> None:
    icc = linear_profile(None, "grey")
    curve = tone_curve(icc)

    assert curve is not None
    assert is_linear(curve)
    assert linear_to_srgb(icc) is None
    assert ImageCms.ImageCmsProfile(io.BytesIO(icc)).profile.xcolor_space == "GRAY"


def test_a_photograph_is_restored_in_the_light_of_its_own_profile(tmp_path: Path) -> None:
    stored = np.random.default_rng(3).integers(2000, 60000, (40, 50, 3)).astype(np.uint16)
    for name, icc in (("adobe", ADOBE_RGB), ("plain", None)):
        tifffile.imwrite(tmp_path / f"{name}.tif", stored, photometric="rgb", iccprofile=icc)
    outcomes = {
        name: restore_file(tmp_path / f"{name}.tif", psf="disk:2", method="wiener") for name in ("adobe", "plain")
    }
    results = {name: tifffile.imread(outcome.output) for name, outcome in outcomes.items()}

    light = torch.from_numpy((stored / 65535) ** 2.19921875).permute(2, 0, 1).float()
    by_hand = restore(light, "disk:2", method="wiener", encoding="linear") ** (1 / 2.19921875)
    expected = (65535 * by_hand).permute(1, 2, 0).numpy()
    assert np.abs(results["adobe"] - expected).max() < 8
    assert np.abs(results["adobe"].astype(float) - results["plain"]).max() > 500
    assert read_picture(outcomes["adobe"].output).icc == ADOBE_RGB


def test_a_pillow_image_is_restored_as_its_file_is_unless_told_that_it_is_srgb(tmp_path: Path) -> None:
    image = Image.fromarray(np.random.default_rng(3).integers(5, 250, (40, 50, 3)).astype(np.uint8))
    image.save(tmp_path / "a.png", icc_profile=ADOBE_RGB)
    with Image.open(tmp_path / "a.png") as opened:
        opened.load()
    outcome = restore_file(tmp_path / "a.png", psf="disk:2", method="wiener")

    as_file = restore(opened, "disk:2", method="wiener")
    as_srgb = restore(opened, "disk:2", method="wiener", encoding="srgb")

    np.testing.assert_array_equal(np.asarray(as_file), read_picture(outcome.output).pixels)
    np.testing.assert_array_equal(
        np.asarray(as_srgb), np.asarray(restore(np.asarray(image), "disk:2", method="wiener"))
    )
    assert np.any(np.asarray(as_file) != np.asarray(as_srgb))


def test_a_linear_profile_makes_a_linear_picture_and_a_useless_one_a_note(tmp_path: Path) -> None:
    image = Image.fromarray(np.full((4, 5, 3), 99, np.uint8))
    image.save(tmp_path / "linear.png", icc_profile=LINEAR)
    image.save(tmp_path / "useless.png", icc_profile=profile(b"mft2" + bytes(40)))

    linear, useless = read_picture(tmp_path / "linear.png"), read_picture(tmp_path / "useless.png")

    assert (linear.encoding, linear.notes) == ("linear", ())
    assert (useless.encoding, useless.curve) == ("srgb", SRGB)
    assert useless.notes == ("its colour profile has no tone curve, sRGB's is taken",)
