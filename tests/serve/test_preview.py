"""A restored part looks as the whole will, and nobody's preview waits for a stranger's."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.serve.conftest import Client, Server, png
from unblur.errors import ConfigError
from unblur.restoration import restore
from unblur.serve import photographs as photographs_module
from unblur.serve.limits import Limits
from unblur.serve.preview import preview


def part_of(content: bytes, box: list[int], **options: Any) -> "np.ndarray[Any, np.dtype[Any]]":
    """The same part of the whole restored photograph."""
    whole = restore(np.asarray(Image.open(BytesIO(content))), "disk:2.5", device="cpu", **options)
    left, top, width, height = box
    return whole[top : top + height, left : left + width].astype(int)


@pytest.mark.parametrize("box", [[120, 90, 80, 60], [0, 0, 80, 60], [240, 150, 80, 70]])
@pytest.mark.parametrize(("method", "mean"), [("wiener", 0.3), ("richardson-lucy", 0.15), ("universal", 0.6)])
def test_a_preview_is_a_part_of_the_whole_result(client: Client, method: str, mean: float, box: list[int]) -> None:
    content = png(220, 320)
    photograph = client.opened(content)

    answer = client.post(f"{photograph}/preview", {"psf": {"shape": "disk:2.5"}, "method": method, "box": box})

    assert answer.headers["x-method"] == method
    difference = np.abs(answer.pixels.astype(int) - part_of(content, box, method=method))
    assert difference.mean() <= mean


def test_settings_and_light_reach_the_method(client: Client) -> None:
    content, box = png(100, 120, colour=False), [10, 10, 60, 50]
    photograph = client.opened(content)
    options = {"method": "wiener", "transfer": "encoded", "settings": {"noise_to_signal": 0.2, "refills": 0}}

    answer = client.post(f"{photograph}/preview", {"psf": {"shape": "disk:2.5"}, "box": box, **options})

    assert np.abs(answer.pixels.astype(int) - part_of(content, box, **options)).max() <= 2


def test_a_psf_larger_than_the_photograph_is_refused(client: Client) -> None:
    answer = client.post(f"{client.opened(png(40, 50))}/preview", {"psf": {"shape": "disk:30"}, "box": [0, 0, 20, 20]})

    assert answer.status == 400
    assert "the PSF has 61 x 61 pixels" in answer.json["error"]


class Blocked:
    """Stands in for the work of a preview: waits until it is released, or told to stop."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.release = threading.Event()
        self.running = 0
        self.most = 0

    def __call__(self, *_: object, report: Callable[[float], None], **__: object) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        self.begun.release()
        try:
            while not self.release.is_set():
                report(0.5)
                time.sleep(0.005)
        finally:
            self.running -= 1
        raise ConfigError("released")


WORDS = {"psf": {"shape": "disk:2"}, "method": "wiener", "box": [0, 0, 20, 20]}


def test_a_newer_preview_stops_the_older_one_of_the_same_photograph(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph, work = client.opened(png()), Blocked()
    monkeypatch.setattr(photographs_module, "preview", work)

    with ThreadPoolExecutor(2) as threads:
        older = threads.submit(client.post, f"{photograph}/preview", WORDS)
        work.begun.acquire(timeout=20)
        newer = threads.submit(client.post, f"{photograph}/preview", WORDS)
        stopped = older.result(timeout=20)
        work.release.set()
        answered = newer.result(timeout=20)

    assert stopped.status == 409
    assert (answered.status, answered.json["error"]) == (400, "released")
    assert work.most == 1  # of one photograph never two at once


def test_a_slow_preview_of_one_photograph_does_not_hold_up_another(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick, work = client.opened(png()), client.opened(png()), Blocked()
    held = slow.rsplit("/", 1)[-1]

    def either(photograph: Any, *arguments: Any, **options: Any) -> Any:
        return (work if photograph.id == held else preview)(photograph, *arguments, **options)

    monkeypatch.setattr(photographs_module, "preview", either)

    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(client.post, f"{slow}/preview", WORDS) for _ in range(4)]
        work.begun.acquire(timeout=20)
        try:
            answer = client.post(f"{quick}/preview", WORDS)
        finally:
            work.release.set()
        states = sorted(one.result(timeout=20).status for one in waiting)

    assert answer.status == 200
    assert states[-3:] == [409, 409, 409]


def test_a_preview_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs_module, "preview", Blocked())
    with Server(limits=Limits(preview_seconds=0.05)) as server:
        answer = server.client.post(f"{server.client.opened(png())}/preview", WORDS)

    assert answer.status == 400
    assert "too slow for a preview" in answer.json["error"]
