"""A result is taken away in the format that somebody wants, with all that the format can hold."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from tests.serve.conftest import Client, Server, png
from unblur.errors import ConfigError, ImageError
from unblur.io.picture import Picture
from unblur.io.psf import write_psf
from unblur.io.read import read_picture
from unblur.psf.parse import parse_psf
from unblur.restoration import restore_file
from unblur.serve import restoration as restoration_module
from unblur.serve.formats import chosen, encoded, offered
from unblur.serve.job import carry_out
from unblur.serve.limits import Limits
from unblur.serve.mapped import mapped
from unblur.serve.restoration import Restoration

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif() -> bytes:
    """A bare block that names a maker."""
    block = Image.Exif()
    block[ExifTags.Base.Make] = "Lens & Sons"
    return block.tobytes().removeprefix(b"Exif\0\0")


def result(kind: str = "uint16", **words: Any) -> Picture:
    """A restored picture with everything that must survive."""
    values = np.random.default_rng(3).random((24, 40, 3))
    pixels = values.astype(kind) if kind.startswith("float") else (values * np.iinfo(kind).max).astype(kind)
    return Picture(pixels=pixels, format="TIFF", exif=exif(), icc=ICC, **words)


def written(picture: Picture, name: str, folder: Path, quality: int | None = None, ending: str = ".tif") -> Picture:
    """What is read again from a file of that format."""
    form, asked = chosen(offered(picture, ending), name, quality)
    return read_picture(encoded(lambda: picture, form, asked, folder / f"x{form.ending}").file)


@pytest.mark.parametrize(
    ("name", "kind", "depth"),
    [
        ("same", "TIFF", "uint16"),
        ("png16", "PNG", "uint16"),
        ("png8", "PNG", "uint8"),
        ("tiff8", "TIFF", "uint8"),
        ("jpeg", "JPEG", "uint8"),
        ("webp", "WEBP", "uint8"),
        ("avif", "AVIF", "uint8"),
    ],
)
def test_depth_profile_and_exif_go_into_every_format_that_holds_them(
    name: str, kind: str, depth: str, tmp_path: Path
) -> None:
    picture = result()

    again = written(picture, name, tmp_path, quality=95)

    assert (again.format, again.pixels.dtype.name) == (kind, depth)
    assert again.icc == ICC
    assert b"Lens & Sons" in (again.exif or b"")
    white = np.iinfo(depth).max
    difference = np.abs(again.pixels / white - picture.pixels / 65535)
    assert difference.max() <= (0.3 if kind in ("JPEG", "AVIF") else 0.51 / white)


def test_float_values_are_kept_in_tiff_and_rounded_elsewhere(tmp_path: Path) -> None:
    picture = result("float32")

    np.testing.assert_array_equal(written(picture, "same", tmp_path).pixels, picture.pixels)
    (tmp_path / "x.tif").unlink()
    deep = written(picture, "tiff16", tmp_path).pixels
    assert deep.dtype == np.uint16
    np.testing.assert_allclose(deep / 65535, picture.pixels, atol=0.51 / 65535)


def test_linear_light_becomes_srgb_where_only_eight_bits_are_left(tmp_path: Path) -> None:
    picture = replace(result(), encoding="linear", icc=None, pixels=np.full((16, 16, 3), 14050, np.uint16))

    again = written(picture, "png8", tmp_path)

    assert np.abs(again.pixels.astype(int) - 127).max() <= 1  # 0.2144 of the light is half of sRGB's scale


def test_a_lower_quality_makes_a_smaller_jpeg(tmp_path: Path) -> None:
    picture, forms = result("uint8"), offered(result("uint8"), ".png")
    sizes = []
    for quality in (30, 92):
        form, asked = chosen(forms, "jpeg", quality)
        sizes.append(encoded(lambda: picture, form, asked, tmp_path / f"{quality}.jpg").size)

    assert sizes[0] < 0.7 * sizes[1]


def test_no_format_is_offered_that_would_add_empty_bits_or_comes_twice() -> None:
    of_eight = offered(result("uint8"), ".png")

    assert not [form for form in of_eight if "16" in form.title]
    assert [form.title for form in of_eight].count("PNG, 8 bits") == 0  # it is the first, like the photograph
    assert of_eight[0].title == "PNG, 8 bits, as before"
    assert {"png16", "tiff16"} <= {form.name for form in offered(result("uint16"), ".jpg")}


@pytest.mark.parametrize(("name", "quality"), [("exe", 90), (None, 90), ("jpeg", 0), ("jpeg", 101), ("jpeg", "90")])
def test_an_unknown_format_or_quality_is_refused(name: object, quality: object) -> None:
    with pytest.raises(ConfigError):
        chosen(offered(result(), ".tif"), name, quality)


def test_a_picture_that_a_format_cannot_hold_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    wide = Picture(pixels=np.zeros((2, 20_000, 1), np.uint8), format="PNG")

    with pytest.raises(ImageError):
        written(wide, "webp", tmp_path, ending=".png")

    assert not list(tmp_path.iterdir())


def ordered(folder: Path, photo: Path, **words: Any) -> dict[str, Any]:
    """What a process of the server would read."""
    write_psf(parse_psf("motion:5,20"), folder / "psf.npy", overwrite=True)
    order = {"task": "restore", "photo": str(photo), "output": str(folder / "out.npy"), "psf": str(folder / "psf.npy")}
    return order | {"method": "wiener", "transfer": None, "settings": {}, "device": "cpu", "deep": False} | words


def test_sixteen_bits_stay_sixteen_as_on_the_command_line(tmp_path: Path) -> None:
    photo = tmp_path / "deep.png"
    photo.write_bytes(png(60, 70, bits=16, colour=False))
    said: list[dict[str, Any]] = []

    carry_out(ordered(tmp_path, photo), said.append)

    assert said[-1].get("outcome", {}).get("method") == "wiener", said
    restore_file(photo, tmp_path / "command.png", psf="motion:5,20", method="wiener")
    np.testing.assert_array_equal(mapped(tmp_path / "out.npy"), read_picture(tmp_path / "command.png").pixels)
    assert not list(tmp_path.glob("*.part*"))


def test_a_result_of_sixteen_bits_is_made_of_eight_where_it_is_asked_for(tmp_path: Path) -> None:
    photo = tmp_path / "plain.png"
    photo.write_bytes(png(60, 70))
    results = []
    for deep in (False, True):
        carry_out(ordered(tmp_path, photo, deep=deep), lambda _: None)
        results.append(np.array(mapped(tmp_path / "out.npy")))

    plain, deep_one = results
    assert [plain.dtype.name, deep_one.dtype.name] == ["uint8", "uint16"]
    assert np.abs(deep_one / 257 - plain).max() <= 0.51  # the same picture
    assert len(np.unique(deep_one)) > 2 * len(np.unique(plain))  # in finer steps


def test_a_full_disk_is_said_and_leaves_no_part_of_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = tmp_path / "plain.png"
    photo.write_bytes(png(60, 70))

    def full(file: Path, values: object, **words: object) -> None:
        del values, words
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    order, said = ordered(tmp_path, photo), list[dict[str, Any]]()
    monkeypatch.setattr(np, "save", full)
    carry_out(order, said.append)

    assert "No space left" in said[-1]["error"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain.png", "psf.npy"]


def test_the_page_names_the_formats_and_gives_each_as_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    async def in_this_process(self: Restoration, order: dict[str, Any]) -> None:
        carry_out(order, lambda said: self.outcome.update(said.get("outcome", {})))
        self.state = "done"

    monkeypatch.setattr(restoration_module.Restoration, "_followed", in_this_process)
    with Server(limits=Limits()) as server:
        client = server.client
        photograph = client.opened(png(), "moon.png")
        words = {"psf": {"shape": "disk:2"}, "method": "wiener", "deep": True}
        told = client.restored(photograph, words)
        path = f"{photograph}/restoration/file"
        prepared = client.post(path, {"format": "jpeg", "quality": 80}).json
        refused = client.post(path, {"format": "../psf"})
        before = files(server)
        for quality in range(60, 70):
            assert client.get(f"{path}?format=jpeg&quality={quality}").status == 200

        assert [form["name"] for form in told["formats"]][:3] == ["same", "jpeg", "png8"]
        assert {form["quality"] for form in told["formats"]} == {None, 92}
        download = client.get(f"{path}?format=jpeg&quality=80")
        assert prepared["name"] == "moon-restored.jpg"
        assert prepared["bytes"] == len(download.body)
        assert "16 bits reduced to 8 bits" in prepared["notes"]
        assert download.headers["content-type"] == "image/jpeg"
        assert Image.open(BytesIO(download.body)).size == (128, 96)
        assert refused.status == 400
        assert files(server) <= before + 3  # of many qualities only the last few stay on the disk
        assert client.get(f"{path}?quality=x&format=jpeg").status == 400
        client.ask("DELETE", photograph)
        assert files(server) == 0


def files(server: Server) -> int:
    """How many the server holds."""
    return sum(path.is_file() for path in server.folder.rglob("*"))


def test_a_result_is_found_only_once_it_is_there(client: Client) -> None:
    assert client.post(f"{client.opened(png())}/restoration/file", {"format": "png8"}).status == 404
