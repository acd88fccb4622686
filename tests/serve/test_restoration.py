"""Whole photographs: the same file as on the command line, cancelled at once, gone after a while."""

import asyncio
import shutil
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from tests.serve.conftest import Client, Server, png
from unblur.restoration import restore_file
from unblur.serve import restoration as restoration_module
from unblur.serve.album import Album
from unblur.serve.job import carry_out
from unblur.serve.limits import Limits
from unblur.serve.restoration import Restoration

ENDLESS = {"psf": {"shape": "disk:2"}, "method": "richardson-lucy", "settings": {"iterations": 100_000_000}}


def jpeg() -> bytes:
    """A JPEG with a maker, a profile, and tables of its own."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "<script>alert(1)</script>"
    file = BytesIO()
    Image.open(BytesIO(png(80, 100))).save(
        file,
        "JPEG",
        quality=91,
        exif=exif,
        icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    )
    return file.getvalue()


def test_the_download_is_the_file_that_the_command_writes(client: Client, tmp_path: Path) -> None:
    content = jpeg()
    photograph = client.opened(content, "Mond über Köln.JPG")

    told = client.restored(photograph, {"psf": {"shape": "disk:2.5"}, "method": "wiener"})
    download = client.get(f"{photograph}/restoration/file")

    assert told["state"] == "done", told
    assert download.headers["content-disposition"].startswith("attachment")
    assert "K%C3%B6ln-restored.jpg" in download.headers["content-disposition"]
    (tmp_path / "moon.jpg").write_bytes(content)
    restore_file(tmp_path / "moon.jpg", psf="disk:2.5", method="wiener")
    assert download.body == (tmp_path / "moon-restored.jpg").read_bytes()
    shown = client.get(f"{photograph}/restoration/part?box=20,10,50,40").pixels
    lossless = client.get(f"{photograph}/restoration/file?format=png8").pixels
    np.testing.assert_array_equal(shown, lossless[10:50, 20:70])


def test_a_restoration_is_cancelled_at_once_and_its_process_is_gone(client: Client, server: Server) -> None:
    photograph = client.opened(png())
    client.post(f"{photograph}/restoration", ENDLESS)
    client.awaited(photograph, "running")

    start = time.monotonic()
    told = client.ask("DELETE", f"{photograph}/restoration").json

    assert told["state"] == "cancelled"
    assert time.monotonic() - start < 30  # not the hours that the work would have taken
    assert client.get(f"{photograph}/restoration/file").status == 404
    held = server.app.state.album.get(photograph.rsplit("/", 1)[-1])
    assert held.restoration.over


@pytest.fixture
def idle_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that listen and never answer."""

    async def silent(self: Restoration, order: dict[str, Any]) -> None:
        del self, order
        await asyncio.sleep(3600)

    monkeypatch.setattr(restoration_module.Restoration, "_followed", silent)


@pytest.mark.usefixtures("idle_jobs")
def test_more_restorations_than_places_wait_for_their_turn() -> None:
    with Server(limits=Limits(restorations=1)) as server:
        first, second = server.client.opened(png()), server.client.opened(png())
        server.client.post(f"{first}/restoration", ENDLESS)
        server.client.awaited(first, "running")
        server.client.post(f"{second}/restoration", ENDLESS)
        again = server.client.post(f"{first}/restoration", ENDLESS)

        assert server.client.get(f"{second}/restoration").json["state"] == "waiting"
        assert again.status == 409
        server.client.ask("DELETE", f"{first}/restoration")
        assert server.client.awaited(second, "running")["state"] == "running"


@pytest.mark.usefixtures("idle_jobs")
def test_a_photograph_that_is_being_restored_does_not_give_way_and_an_idle_one_does() -> None:
    with Server(limits=Limits(photographs=2, giving_way_minutes=0.0)) as server:
        busy, idle = server.client.opened(png()), server.client.opened(png())
        server.client.post(f"{busy}/restoration", ENDLESS)

        newest = server.client.opened(png())

        assert server.client.get(f"{idle}/overview").status == 404
        assert server.client.get(f"{busy}/overview").status == 200
        server.client.post(f"{newest}/restoration", ENDLESS)
        assert server.client.send_file("/photographs?", png(), "third.png").status == 503


@pytest.mark.usefixtures("idle_jobs")
def test_what_nobody_asked_for_is_removed_and_work_that_goes_on_is_not() -> None:
    with Server(limits=Limits(idle_minutes=1.0)) as server:
        busy, idle = server.client.opened(png()), server.client.opened(png())
        server.client.post(f"{busy}/restoration", ENDLESS)
        album: Album = server.app.state.album
        for photograph in (busy, idle):
            album.get(photograph.rsplit("/", 1)[-1]).touched -= 61

        album.remove_idle()

        assert len(album) == 1
        assert server.client.get(f"{busy}/overview").status == 200
        assert len(list(server.folder.iterdir())) == 1


def test_the_whole_folder_is_gone_when_the_server_ends() -> None:
    with Server() as server:
        server.client.opened(png())
        folder = server.folder
        assert list(folder.iterdir())

    assert not folder.exists()


def test_an_order_that_cannot_be_carried_out_is_refused_before_it_begins(client: Client) -> None:
    photograph = client.opened(png())

    answer = client.post(f"{photograph}/restoration", {"psf": {"shape": "disk:2"}, "method": "odcnn"})

    assert answer.status == 400
    assert "odcnn" in answer.json["error"]
    assert client.get(f"{photograph}/restoration").json["state"] == "none"


def test_what_goes_wrong_on_the_way_is_said_under_the_users_name(
    client: Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def in_this_process(self: Restoration, order: dict[str, Any]) -> None:
        said: list[dict[str, Any]] = []
        carry_out(order, said.append)
        self.state, self.error = "failed", said[-1]["error"]

    photograph = client.opened(png(), "moon.png")
    server.app.state.album.get(photograph.rsplit("/", 1)[-1]).file.write_bytes(b"damaged meanwhile")
    monkeypatch.setattr(restoration_module.Restoration, "_followed", in_this_process)

    told = client.restored(photograph, {"psf": {"shape": "disk:2"}, "method": "wiener"})

    assert told["state"] == "failed"
    assert told["error"].startswith("moon.png ")
    assert str(server.folder) not in told["error"]


@pytest.mark.skipif(shutil.which("true") is None, reason="needs a program that does nothing")
def test_a_process_that_dies_without_a_word_is_a_failure(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("true"))

    told = client.restored(client.opened(png()), {"psf": {"shape": "disk:2"}, "method": "wiener"})

    assert told["state"] == "failed"
    assert "ended without a result" in told["error"]


@pytest.mark.usefixtures("idle_jobs")
def test_a_restoration_has_its_time(tmp_path: Path) -> None:
    async def run() -> Restoration:
        limits = Limits(restoration_minutes=0.0005)
        restoration = Restoration({}, tmp_path / "x.png", asyncio.Semaphore(1), limits)
        await restoration.ended()
        return restoration

    ended = asyncio.run(run())

    assert ended.state == "failed"
    assert "took longer than" in ended.error
