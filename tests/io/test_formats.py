"""WebP, AVIF, HEIC, camera RAW and FITS, by files that their own libraries wrote."""

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.io.dng import BLACK, WHITE, write_dng
from unblur.colour import SRGB
from unblur.errors import ImageError
from unblur.io.picture import Picture
from unblur.io.read import read_picture
from unblur.io.write import write_picture
from unblur.restoration import output_beside, restore_file

SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int = 1) -> Image.Exif:
    block = Image.Exif()
    block[0x010F], block[0x0112] = "Maker", orientation
    return block


def slope(height: int, width: int) -> Any:
    """Smooth and without symmetry, 0 to 1, so that lossy formats keep it."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x / width, 0.2 + 0.6 * y / height, 0.9 - 0.8 * x * y / (height * width)], axis=-1)


@pytest.mark.parametrize("ending", ["webp", "avif"])
def test_webp_and_avif_keep_profile_and_exif_through_a_restoration(ending: str, tmp_path: Path) -> None:
    stored = (255 * slope(48, 64)).round().astype(np.uint8)
    path = tmp_path / f"a.{ending}"
    Image.fromarray(stored).save(path, quality=98, exif=exif(6), icc_profile=SRGB_PROFILE)

    picture = read_picture(path)
    outcome = restore_file(path, psf="delta", method="wiener")
    restored = read_picture(outcome.output)

    assert outcome.output.suffix == f".{ending}"
    assert picture.size == restored.size == (64, 48)  # turned upright
    assert np.abs(picture.pixels - np.rot90(stored, -1).astype(int)).max() <= 8
    assert restored.icc == SRGB_PROFILE
    kept = Image.Exif()
    kept.load(restored.exif or b"")
    assert (kept[0x010F], kept.get(0x0112, 1)) == ("Maker", 1)


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_avif_of_more_than_8_bits_arrives_with_all_of_them(bits: int, channels: int, tmp_path: Path) -> None:
    top = 2**bits - 1
    expected = (top * slope(32, 48)[..., :channels]).round().astype(np.uint16)
    data = imagecodecs.avif_encode(expected if channels == 3 else expected[..., 0], level=100, bitspersample=bits)
    (tmp_path / "a.avif").write_bytes(data)

    picture = read_picture(tmp_path / "a.avif")

    assert picture.pixels.dtype == np.uint16
    assert picture.pixels.shape[:2] == (32, 48)
    difference = picture.pixels.astype(float) - expected.astype(float) * 65535 / top
    assert np.abs(difference).max() <= 3 * 65535 / top


def test_linear_light_that_must_shrink_to_8_bits_is_stored_as_srgb(tmp_path: Path) -> None:
    light = np.full((8, 8, 3), 0.01, np.float32)
    picture = Picture(pixels=light, format="RAW", encoding="linear")

    notes = write_picture(picture, tmp_path / "a.jpg")
    write_picture(picture, tmp_path / "a.tif")

    assert notes == ("linear light stored as sRGB", "16 bits reduced to 8 bits: JPEG holds no more")
    assert np.abs(read_picture(tmp_path / "a.jpg").pixels.astype(int) - 25).max() <= 1  # 255 · encode(0.01) = 25.4
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels, light)


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("a.heic", "a-restored.png"),
        ("a.NEF", "a-restored.tif"),
        ("a.fits", "a-restored.tif"),
        ("a.webp", "a-restored.webp"),
    ],
)
def test_results_stand_beside_the_photograph_in_a_format_that_can_be_written(name: str, output: str) -> None:
    assert output_beside(Path("x") / name) == Path("x") / output


class TestHeif:
    heif = staticmethod(lambda: pytest.importorskip("pillow_heif"))

    def written(self, path: Path, bits: int) -> Any:
        """Values as stored, 8 or 10 bits, lossless but for the colours' conversion."""
        top = 2**bits - 1
        values = (top * slope(48, 64)).round().astype(np.uint16)
        mode, data = ("RGB", values.astype(np.uint8)) if bits == 8 else ("RGB;16", values << 6)
        file = self.heif().from_bytes(mode=mode, size=(64, 48), data=data.tobytes())
        file.info["icc_profile"], file.info["icc_profile_type"] = SRGB_PROFILE, "prof"
        file.save(path, quality=-1, chroma=444, exif=exif(6).tobytes())
        return values / top

    @pytest.mark.parametrize("bits", [8, 10])
    def test_depth_and_metadata_arrive(self, bits: int, tmp_path: Path) -> None:
        self.heif()
        expected = self.written(tmp_path / "a.heic", bits)

        picture = read_picture(tmp_path / "a.heic")

        assert picture.pixels.dtype == (np.uint8 if bits == 8 else np.uint16)
        assert picture.size == (64, 48)
        white = 255 if bits == 8 else 65535
        assert np.abs(picture.pixels / white - np.rot90(expected, -1)).max() < 3.5 / (2**bits - 1)
        assert picture.icc == SRGB_PROFILE
        assert picture.curve is SRGB
        kept = Image.Exif()
        kept.load(picture.exif or b"")
        assert (kept[0x010F], kept[0x0112]) == ("Maker", 1)

    def test_a_damaged_file_is_one_sentence(self, tmp_path: Path) -> None:
        self.heif()
        self.written(tmp_path / "a.heic", 8)
        (tmp_path / "a.heic").write_bytes((tmp_path / "a.heic").read_bytes()[:300])

        with pytest.raises(ImageError, match=r"a\.heic cannot be decoded"):
            read_picture(tmp_path / "a.heic")


class TestRaw:
    raw = staticmethod(lambda: pytest.importorskip("rawpy"))

    def mosaic(self) -> Any:
        values = np.full((64, 96), BLACK + 500, np.uint16)
        values[20:44, 30:60] = WHITE
        values[:, 80:] = BLACK + 1000
        return values

    def test_light_is_linear_and_white_is_where_the_sensor_is_full(self, tmp_path: Path) -> None:
        self.raw()
        write_dng(tmp_path / "a.dng", self.mosaic())

        picture = read_picture(tmp_path / "a.dng")

        unit = 65535 / (WHITE - BLACK)
        assert (picture.encoding, picture.format, picture.pixels.dtype.name) == ("linear", "RAW", "uint16")
        assert (picture.pixels[26:38, 36:54] == 65535).all()
        np.testing.assert_allclose(picture.pixels[8, 10], [1000 * unit, 500 * unit, 500 * unit], rtol=1e-3)
        np.testing.assert_allclose(picture.pixels[8, 90], 2 * picture.pixels[8, 10].astype(float), rtol=1e-3)

    def test_a_picture_far_from_white_is_not_brightened(self, tmp_path: Path) -> None:
        self.raw()
        write_dng(tmp_path / "a.dng", np.full((64, 96), BLACK + (WHITE - BLACK) * 9 // 20, np.uint16))

        assert read_picture(tmp_path / "a.dng").pixels[30, 40, 1] == pytest.approx(0.45 * 65535, rel=2e-3)

    def test_it_is_turned_upright_and_its_maker_kept(self, tmp_path: Path) -> None:
        self.raw()
        write_dng(tmp_path / "a.dng", self.mosaic(), orientation=6)

        picture = read_picture(tmp_path / "a.dng")

        assert picture.size == (96, 64)
        assert picture.pixels[90, 10, 1] > 1.5 * picture.pixels[10, 10, 1]
        kept = Image.Exif()
        kept.load(picture.exif or b"")
        assert kept[0x010F] == "Maker"

    def test_it_is_restored_to_a_linear_tiff_whose_profile_shows_the_right_colours(self, tmp_path: Path) -> None:
        self.raw()
        write_dng(tmp_path / "a.dng", self.mosaic())

        outcome = restore_file(tmp_path / "a.dng", psf="delta", method="wiener")
        result = read_picture(outcome.output)

        assert outcome.output == tmp_path / "a-restored.tif"
        assert (result.encoding, result.pixels.dtype.name) == ("linear", "uint16")
        assert np.abs(result.pixels[8, 10].astype(int) - read_picture(tmp_path / "a.dng").pixels[8, 10]).max() < 700
        profile = ImageCms.ImageCmsProfile(io.BytesIO(result.icc or b""))
        assert "linear" in ImageCms.getProfileDescription(profile)


class TestFits:
    fits = staticmethod(lambda: pytest.importorskip("astropy.io.fits"))

    def test_floats_up_to_one_arrive_as_they_are_with_the_last_row_on_top(self, tmp_path: Path) -> None:
        values = slope(6, 9)[..., 2].astype(np.float32)
        self.fits().PrimaryHDU(values).writeto(tmp_path / "a.fits")

        picture = read_picture(tmp_path / "a.fits")

        np.testing.assert_array_equal(picture.pixels[..., 0], values[::-1])
        assert (picture.encoding, picture.notes) == ("linear", ())

    def test_unsigned_16_bits_stay_integers(self, tmp_path: Path) -> None:
        values = (65535 * slope(6, 9)[..., 0]).astype(np.uint16)
        self.fits().PrimaryHDU(values).writeto(tmp_path / "a.fits")

        np.testing.assert_array_equal(read_picture(tmp_path / "a.fits").pixels[..., 0], values[::-1])

    @pytest.mark.parametrize(("header", "white"), [({"SATURATE": 5000.0}, 5000.0), ({}, 4000.0)])
    def test_counts_are_divided_by_the_saturation_level_or_the_highest_value(
        self, header: dict[str, float], white: float, tmp_path: Path
    ) -> None:
        values = np.linspace(0, 4000, 54, dtype=np.float32).reshape(6, 9)
        part = self.fits().PrimaryHDU(values)
        part.header.update(header)
        part.writeto(tmp_path / "a.fits")

        picture = read_picture(tmp_path / "a.fits")

        np.testing.assert_allclose(picture.pixels[..., 0], values[::-1] / white, rtol=1e-6)
        assert f"{white:g}" in picture.notes[0]

    def test_a_cube_of_three_in_an_extension_is_rgb_and_comes_back_linear(self, tmp_path: Path) -> None:
        fits = self.fits()
        cube = np.moveaxis(slope(40, 50), -1, 0).astype(np.float32)
        fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(cube)]).writeto(tmp_path / "a.fits")

        outcome = restore_file(tmp_path / "a.fits", psf="delta", method="wiener")
        result = read_picture(outcome.output)

        assert outcome.output.suffix == ".tif"
        assert (result.encoding, result.pixels.dtype.name) == ("linear", "float32")
        assert np.abs(result.pixels - slope(40, 50)[::-1]).max() < 0.02

    def test_a_file_without_a_picture_is_refused(self, tmp_path: Path) -> None:
        self.fits().PrimaryHDU(np.zeros((5, 4, 3), np.float32)).writeto(tmp_path / "a.fits")

        with pytest.raises(ImageError, match=r"\(5, 4, 3\)"):
            read_picture(tmp_path / "a.fits")


@pytest.mark.parametrize(
    ("module", "extra", "name", "head"),
    [
        ("pillow_heif", "heif", "a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("rawpy", "raw", "a.cr3", b"whatever"),
        ("astropy.io.fits", "astro", "a.fits", b"SIMPLE  =                    T"),
    ],
)
def test_a_missing_extra_is_named_in_one_sentence(
    module: str, extra: str, name: str, head: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(asked: str) -> None:
        assert asked == module
        raise ModuleNotFoundError(asked)

    monkeypatch.setattr("unblur.io.extra.import_module", absent)
    (tmp_path / name).write_bytes(head.ljust(64, b"\0"))

    with pytest.raises(ImageError, match=rf"{name} is .* pip install unblur\[{extra}\]"):
        read_picture(tmp_path / name)
