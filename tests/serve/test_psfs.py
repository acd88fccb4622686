"""A PSF measured on an edge, or estimated from the photograph alone."""

import asyncio
import base64
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.serve.conftest import Client, Server, png
from unblur.colour import encode_srgb
from unblur.degrade.blur import valid_blur
from unblur.measurement import edge_in_file
from unblur.psf.parse import parse_psf
from unblur.serve import errand as errand_module
from unblur.serve.job import carry_out
from unblur.serve.limits import Limits


def roof(radius: float = 4.2) -> bytes:
    """A slanted edge out of focus."""
    y, x = torch.meshgrid(torch.arange(120.0), torch.arange(160.0), indexing="ij")
    sharp = torch.where(x - 80 > 0.15 * (y - 60), 0.6, 0.1)[None, None]
    blurred = encode_srgb(valid_blur(sharp, parse_psf(f"disk:{radius}")).clamp(0, 1))[0, 0]
    file = BytesIO()
    Image.fromarray((blurred.numpy() * 255).round().astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_an_edge_gives_the_shape_that_the_command_gives(client: Client, tmp_path: Path) -> None:
    (tmp_path / "roof.png").write_bytes(roof())
    photograph = client.opened(roof())

    told = client.post(f"{photograph}/psf/edge", {"box": [45, 30, 60, 40]}).json

    expected = edge_in_file(tmp_path / "roof.png", (45, 30, 104, 69))
    assert told["fits"][0]["shape"] == expected.best.spec
    assert told["fits"][0]["shape"].startswith("disk:4")
    assert told["fits"][1]["shape"] == expected.other.spec
    assert told["corners"] == [45, 30, 104, 69]
    psf = parse_psf(expected.best.spec)
    levels = np.frombuffer(base64.b64decode(told["levels"]), np.uint8).reshape(told["height"], told["width"])
    np.testing.assert_allclose(levels, psf.numpy() / float(psf.max()) * 255, atol=0.51)


@pytest.mark.parametrize("box", [[0, 0, 30, 30], [0, 0, 500, 20], [1, 2, 3], None, ["1", 2, 20, 20]])
def test_a_box_without_an_edge_is_refused_in_a_sentence(client: Client, box: object) -> None:
    answer = client.post(f"{client.opened(roof())}/psf/edge", {"box": box})

    assert answer.status == 400
    assert answer.json["error"]


def awaited(client: Client, photograph: str, *states: str) -> dict[str, Any]:
    """Wait for one of these states of an estimation, or for its end."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        told: dict[str, Any] = client.get(f"{photograph}/estimation").json
        if told["state"] in (states or ("done", "failed", "cancelled")):
            return told
        time.sleep(0.05)
    raise AssertionError(f"still {told['state']}")


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errands are carried out at once, here."""

    async def followed(self: errand_module.Errand, order: dict[str, Any]) -> None:
        said: list[dict[str, Any]] = []
        await asyncio.to_thread(carry_out, order, said.append)
        self.error, self.outcome = said[-1].get("error", ""), said[-1].get("outcome", {})
        self.state = "done" if self.outcome else "failed"

    monkeypatch.setattr(errand_module.Errand, "_followed", followed)


def texture(height: int = 220, width: int = 240) -> bytes:
    """Edges in all directions, out of focus."""
    rng = np.random.default_rng(5)
    canvas = np.full((height, width), 0.3)
    for _ in range(60):
        y, x, side = rng.integers(0, height), rng.integers(0, width), rng.integers(8, 40)
        canvas[y : y + side, x : x + side] = rng.uniform(0.02, 0.8)
    sharp = torch.from_numpy(canvas).float()[None, None]
    blurred = valid_blur(sharp, parse_psf("disk:5"))
    noisy = blurred + 0.002 * torch.randn(blurred.shape, generator=torch.Generator().manual_seed(1))
    file = BytesIO()
    Image.fromarray((encode_srgb(noisy.clamp(0, 1))[0, 0].numpy() * 255).round().astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.usefixtures("in_this_process")
def test_a_blur_is_estimated_in_the_background_and_restores(client: Client) -> None:
    photograph = client.opened(texture())

    begun = client.post(f"{photograph}/estimation", {"kind": "disk", "size": 21})
    told = awaited(client, photograph)
    again = client.get(f"{photograph}/estimation").json

    assert begun.status == 202
    assert told["state"] == "done", told
    assert abs(float(told["outcome"]["shape"].removeprefix("disk:")) - 5) < 0.5
    assert told["psf"] == again["psf"]  # one PSF is kept, however often somebody asks
    words = {"psf": {"kept": told["psf"]["kept"]}, "method": "wiener", "box": [10, 10, 50, 40]}
    assert client.post(f"{photograph}/preview", words).status == 200


@pytest.mark.usefixtures("in_this_process")
def test_a_photograph_that_gives_nothing_to_go_on_is_said_under_its_own_name(client: Client, server: Server) -> None:
    file = BytesIO()
    Image.new("L", (300, 300), 90).save(file, "PNG")
    photograph = client.opened(file.getvalue(), "fog.png")

    client.post(f"{photograph}/estimation", {"kind": "shake", "size": 15})
    told = awaited(client, photograph)

    assert told["state"] == "failed"
    assert told["error"]
    assert str(server.folder) not in told["error"]


@pytest.mark.parametrize(
    "words",
    [
        {"kind": "magic", "size": 21},
        {"kind": "disk"},
        {"kind": "disk", "size": 20},
        {"kind": "disk", "size": 999},
        {"kind": "disk", "size": 21.0},
        {"kind": "disk", "size": True},
        {"kind": "disk", "size": 21, "transfer": "gamma"},
        {"kind": "disk", "size": 21, "box": [0, 0, 9999, 10]},
    ],
)
def test_an_estimation_that_cannot_be_is_refused_before_it_begins(client: Client, words: dict[str, Any]) -> None:
    photograph = client.opened(png())

    assert client.post(f"{photograph}/estimation", words).status == 400
    assert client.get(f"{photograph}/estimation").json["state"] == "none"


def test_an_estimation_waits_its_turn_is_cancelled_and_does_not_hold_up_restorations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def silent(self: errand_module.Errand, order: dict[str, Any]) -> None:
        del self, order
        await asyncio.sleep(3600)

    monkeypatch.setattr(errand_module.Errand, "_followed", silent)
    words = {"kind": "shake", "size": 21}
    with Server(limits=Limits(estimations=1)) as server:
        client = server.client
        first, second = client.opened(png()), client.opened(png())
        client.post(f"{first}/estimation", words)
        awaited(client, first, "running")
        assert client.post(f"{first}/estimation", words).status == 409
        client.post(f"{second}/estimation", words)
        assert client.get(f"{second}/estimation").json["state"] == "waiting"
        client.post(f"{second}/restoration", {"psf": {"shape": "disk:2"}, "method": "wiener"})
        assert client.awaited(second, "running")["state"] == "running"

        assert client.ask("DELETE", f"{first}/estimation").json["state"] == "cancelled"
        assert awaited(client, second, "running")["state"] == "running"
        client.ask("DELETE", second)  # its work goes with it
