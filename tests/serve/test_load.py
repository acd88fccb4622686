"""Many at once: nobody waits for a stranger for ever, and nothing is lost."""

import http.client
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.serve.conftest import Client, Server, png
from tests.serve.load import ALLOWED, load
from unblur.io.picture import Picture
from unblur.serve import photographs as photographs_module
from unblur.serve.limits import Limits
from unblur.serve.mapped import laid_down, mapped
from unblur.serve.preview import preview
from unblur.serve.screen import shown


def test_a_photograph_in_use_does_not_give_way_to_a_newcomer() -> None:
    with Server(limits=Limits(photographs=2)) as server:
        held = [server.client.opened(png()), server.client.opened(png())]
        newest = server.client.send_file("/photographs?", png(), "third.png")

        assert newest.status == 503
        assert "in a few minutes" in newest.json["error"]
        assert {server.client.get(f"{path}/overview").status for path in held} == {200}
        assert len(list(server.folder.iterdir())) == 2  # nothing of the third is left


def test_photographs_are_held_up_to_so_many_bytes_and_a_single_one_always() -> None:
    with Server(limits=Limits(held_megabytes=1)) as server:
        first = server.client.opened(png(500, 400))  # 0.6 MB of pixels and as much again for a result
        assert server.client.send_file("/photographs?", png(40, 40), "small.png").status == 503
        assert server.client.get(f"{first}/overview").status == 200


def test_one_photographs_requests_leave_threads_for_the_others(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    release, begun, running, most = threading.Event(), threading.Semaphore(0), 0, 0

    def slow(picture: object, *arguments: object, **words: object) -> bytes:
        nonlocal running, most
        if getattr(picture, "size", None) == (90, 110):
            running += 1
            most = max(most, running)
            begun.release()
            release.wait(20)
            running -= 1
        return shown(picture, *arguments, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(photographs_module, "shown", slow)
    greedy, other = client.opened(png(90, 110)), client.opened(png(40, 40))
    with ThreadPoolExecutor(12) as threads:
        waiting = [threads.submit(client.get, f"{greedy}/overview") for _ in range(12)]
        begun.acquire(timeout=20)
        try:
            answer = client.get(f"{other}/overview")
        finally:
            release.set()
        statuses = {one.result(timeout=20).status for one in waiting}

    assert answer.status == 200
    assert statuses == {200}  # none of the greedy one's own is lost either
    assert most <= 2


def test_the_time_that_a_preview_waits_for_others_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:

    def slow(*arguments: object, **words: object) -> object:
        time.sleep(0.25)
        return preview(*arguments, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(photographs_module, "preview", slow)
    words = {"psf": {"shape": "disk:2"}, "method": "wiener", "box": [0, 0, 20, 20]}
    with Server(limits=Limits(preview_seconds=1.2)) as server:
        client = server.client
        paths = [client.opened(png(40, 48)) for _ in range(14)]  # two at a time: the last one waits 1.5 s and more
        with ThreadPoolExecutor(14) as threads:
            answers = list(threads.map(lambda path: client.post(f"{path}/preview", words), paths))

    assert {answer.status for answer in answers} == {200}


def test_an_upload_that_stands_still_is_given_up_and_leaves_nothing() -> None:
    with Server(limits=Limits(stall_seconds=0.2)) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as slow:
            head = "POST /photographs?name=a.png HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
            slow.sendall(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + b"half")
            answer = http.client.HTTPResponse(slow)
            answer.begin()

            assert answer.status == 408
            assert b"stood still" in answer.read()
        assert not list(server.folder.iterdir())


def test_pixels_in_files_cannot_be_changed_through_memory(tmp_path: Path) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    picture = Picture(pixels=pixels, alpha=np.ones((2, 4), np.uint8), format="PNG")

    held = laid_down(picture, tmp_path)
    held.pixels[0, 0, 0] = 99

    assert mapped(tmp_path / "pixels.npy")[0, 0, 0] == 0
    np.testing.assert_array_equal(held.alpha, picture.alpha)


def test_a_few_clients_lose_nothing_and_leave_nothing() -> None:
    found = load(clients=6, seconds=2.0)

    assert not found["lost"]
    assert not found["left"]
    assert found["answered"]["open"] >= 6
    assert found["memory"]["peak"] < ALLOWED
