"""Opening photographs, looking at them, and finding their PSF."""

import base64
import http.client
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from tests.serve.conftest import Client, Server, png
from unblur.colour import encode_srgb
from unblur.degrade.blur import valid_blur
from unblur.io.psf import write_psf
from unblur.psf.parse import parse_psf
from unblur.serve.limits import Limits


def test_a_photograph_that_was_opened_is_shown_pixel_by_pixel(client: Client) -> None:
    content = png(96, 128)
    photograph = client.opened(content)

    part = client.get(f"{photograph}/part?box=5,10,40,30")

    expected = np.asarray(Image.open(BytesIO(content)))
    np.testing.assert_array_equal(part.pixels, expected[10:40, 5:45])
    np.testing.assert_array_equal(client.get(f"{photograph}/overview").pixels, expected)


def test_sixteen_bits_are_said_and_shown_in_eight(client: Client) -> None:
    answer = client.send_file("/photographs?", png(bits=16), "deep.png")

    assert (answer.json["depth"], answer.json["width"], answer.json["height"]) == ("16 bits", 128, 96)
    shown = client.get(f"/photographs/{answer.json['id']}/overview").pixels.astype(int)
    assert shown.dtype == int
    assert np.abs(shown - np.asarray(Image.open(BytesIO(png()))).astype(int)).max() <= 1


def test_what_is_no_picture_is_refused_by_its_own_name_without_a_path(client: Client, server: Server) -> None:
    before = set(server.folder.iterdir())

    answer = client.send_file("/photographs?", b"not a picture at all", "holiday.jpg")

    assert answer.status == 400
    assert "holiday.jpg is not a picture" in answer.json["error"]
    assert str(server.folder) not in answer.json["error"]
    assert set(server.folder.iterdir()) == before  # nothing is left behind


def test_a_name_with_folders_reaches_neither_disk_nor_download(client: Client, server: Server) -> None:
    answer = client.send_file("/photographs?", png(), "../../etc/c:\\x\\<b>moon</b>.png")

    held = server.app.state.album.get(answer.json["id"])
    assert answer.json["name"] == "b>.png"  # what follows the last stroke
    assert held.file.name == "photograph.png"
    assert held.file.parent.parent == server.folder


def test_an_unknown_ending_is_dropped(client: Client, server: Server) -> None:
    answer = client.send_file("/photographs?", png(), "moon.sh")

    assert server.app.state.album.get(answer.json["id"]).file.name == "photograph"


def test_more_pixels_or_bytes_than_allowed_are_refused() -> None:
    with Server(limits=Limits(megapixels=1, upload_megabytes=1)) as server:
        pixels = BytesIO()
        Image.new("L", (1200, 1000)).save(pixels, "PNG")
        many = server.client.send_file("/photographs?", pixels.getvalue(), "wide.png")
        declared = server.client.send_file("/photographs?", bytes(1_000_001), "long.png")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request(
            "POST",
            "/photographs?name=chunks.png",
            body=iter([bytes(400_000)] * 3),
            headers={"content-type": "application/octet-stream"},
            encode_chunked=True,
        )
        undeclared = connection.getresponse()

        assert many.status == 400
        assert "megapixels" in many.json["error"]
        assert (declared.status, undeclared.status) == (413, 413)
        assert not list(server.folder.iterdir())
        connection.close()


def test_a_closed_photograph_is_gone_from_memory_and_disk(client: Client, server: Server) -> None:
    photograph = client.opened(png())
    folder = server.app.state.album.get(photograph.rsplit("/", 1)[-1]).file.parent

    client.ask("DELETE", photograph)

    assert client.get(f"{photograph}/overview").status == 404
    assert not folder.exists()


@pytest.mark.parametrize("box", ["0,0,129,10", "-1,0,5,5", "120,90,10,10", "1,2,3", "0,0,0,5", "", "0,0,1e1,5"])
def test_a_part_outside_the_photograph_is_refused(client: Client, box: str) -> None:
    photograph = client.opened(png())

    assert client.get(f"{photograph}/part?box={box}").status == 400


def test_a_shape_is_drawn_and_methods_that_do_not_take_it_are_named(client: Client) -> None:
    told = client.post(f"{client.opened(png())}/psf", {"shape": "motion:9,30"}).json

    psf = parse_psf("motion:9,30")
    levels = np.frombuffer(base64.b64decode(told["levels"]), np.uint8).reshape(told["height"], told["width"])
    np.testing.assert_allclose(levels, psf.numpy() / float(psf.max()) * 255, atol=0.51)
    assert "odcnn" in told["refused"]
    assert "wiener" not in told["refused"]


def test_a_drawn_path_becomes_a_psf_that_previews_take(client: Client) -> None:
    photograph = client.opened(png())

    told = client.post(f"{photograph}/psf/drawn", {"points": [[3, 3], [9, 3], [9, 12]], "width": 1.5}).json
    answer = client.post(
        f"{photograph}/preview", {"psf": {"kept": told["kept"]}, "method": "wiener", "box": [0, 0, 64, 48]}
    )

    assert told["height"] > told["width"]
    assert answer.status == 200
    assert answer.pixels.shape == (48, 64, 3)


@pytest.mark.parametrize("points", [[], "line", [[1]], [[0, 0], [600, 0]], [[0, "x"]], [[0, 1e99]], [[1, 2]] * 5001])
def test_a_drawing_that_cannot_be_one_is_refused(client: Client, points: object) -> None:
    answer = client.post(f"{client.opened(png())}/psf/drawn", {"points": points, "width": 1})

    assert answer.status == 400


def test_the_psf_is_read_from_a_light_in_the_photograph(client: Client) -> None:
    psf = parse_psf("motion:11,30")
    sharp = torch.full((1, 1, 140, 160), 0.01)
    sharp[..., 60, 90] = 25.0
    blurred = valid_blur(sharp, psf)
    file = BytesIO()
    values = encode_srgb(blurred.clamp(0, 1))[0, 0].numpy()
    Image.fromarray((values * 255).round().astype(np.uint8)).save(file, "PNG")
    photograph = client.opened(file.getvalue())
    x, y = 90 - psf.shape[1] // 2, 60 - psf.shape[0] // 2

    told = client.post(f"{photograph}/psf/point", {"x": x + 1, "y": y - 1, "alone": True}).json
    nowhere = client.post(f"{photograph}/psf/point", {"x": 20, "y": 100})

    assert abs(told["x"] - x) < 0.5
    assert abs(told["y"] - y) < 0.5
    levels = np.frombuffer(base64.b64decode(told["levels"]), np.uint8).reshape(told["height"], told["width"])
    around = [((told[side] - length) // 2,) * 2 for side, length in zip(("height", "width"), psf.shape, strict=True)]
    expected = np.pad(psf.numpy(), around)
    assert np.corrcoef(levels.ravel(), expected.ravel())[0, 1] > 0.95
    assert nowhere.status == 400
    assert "nothing stands out" in nowhere.json["error"]


@pytest.mark.parametrize("size", [float("nan"), float("inf"), "9", True])
def test_a_size_that_is_no_number_is_refused_and_no_bug(client: Client, size: object) -> None:
    photograph = client.opened(png())

    answer = client.post(f"{photograph}/psf/point", {"x": 40, "y": 30, "size": size})

    assert answer.status == 400
    assert "the size is" in answer.json["error"]


def test_a_psf_file_is_taken_and_can_be_turned(client: Client, comma: torch.Tensor, tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "comma.npy"
    write_psf(comma, path)
    photograph = client.opened(png())

    plain = client.send_file(f"{photograph}/psf/file?", path.read_bytes(), "comma.npy").json
    turned = client.send_file(f"{photograph}/psf/file?flip=1&", path.read_bytes(), "comma.npy").json
    broken = client.send_file(f"{photograph}/psf/file?", b"nonsense", "comma.npy")

    one, other = (np.frombuffer(base64.b64decode(told["levels"]), np.uint8) for told in (plain, turned))
    np.testing.assert_array_equal(one, other[::-1])
    assert one[0] == 255
    assert broken.status == 400
    assert broken.json["error"].startswith("comma.npy")


def test_json_that_is_none_is_refused_in_a_sentence(client: Client) -> None:
    photograph = client.opened(png())

    answer = client.ask("POST", f"{photograph}/psf", body=b"{", headers={"content-type": "application/json"})
    deep = client.ask("POST", f"{photograph}/psf", body=b"[" * 100_000, headers={"content-type": "application/json"})

    assert (answer.status, deep.status) == (400, 400)
    assert "no JSON object" in answer.json["error"]


def test_the_methods_offer_numbers_and_never_a_file(client: Client) -> None:
    told = client.get("/methods").json

    names = {method["name"]: {setting["name"] for setting in method["settings"]} for method in told["methods"]}
    assert "noise_to_signal" in names["wiener"]
    assert not any("weights" in settings for settings in names.values())
