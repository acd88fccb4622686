"""Other web pages cannot use the server."""

import re
from importlib import resources

import pytest
from starlette.datastructures import Headers

from tests.serve.conftest import Client, png
from unblur.serve.guard import ANSWER_HEADERS, LOOPBACK, Guard


def refusal(method: str = "GET", path: str = "/", *, any_address: bool = False, **headers: str) -> str | None:
    """What a guard of the loopback names says."""

    async def nothing(*_: object) -> None:
        raise AssertionError

    named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Guard(nothing, names=LOOPBACK, any_address=any_address).refusal(method, path, named)


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "LOCALHOST:1", "[::1]:8765"])
def test_its_own_names_are_served_at_any_port(host: str) -> None:
    assert refusal(host=host) is None


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8765", "10.0.0.7", "", "evil@[::1", "a@b:c@d"],
)
def test_a_name_that_was_rebound_to_this_machine_is_refused(host: str) -> None:
    assert "not served under the name" in str(refusal(host=host))


def test_a_server_on_all_addresses_is_served_under_numbers_but_not_under_foreign_names() -> None:
    assert refusal(host="192.168.1.5:8765", any_address=True) is None
    assert refusal(host="evil.example", any_address=True) is not None


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:9999", "null", "http://127.0.0.1:8765.evil.example"]
)
def test_a_post_from_elsewhere_is_refused(origin: str) -> None:
    assert "only this page's own" in str(refusal("POST", "/photographs", host="127.0.0.1:8765", origin=origin))


def test_a_post_from_the_page_itself_is_served() -> None:
    assert refusal("POST", "/photographs", host="127.0.0.1:8765", origin="http://127.0.0.1:8765") is None


def test_another_page_may_link_to_the_page_but_embed_nothing_of_it() -> None:
    assert refusal(host="localhost", sec_fetch_site="cross-site") is None
    assert refusal(path="/photographs/x/overview", host="localhost", sec_fetch_site="cross-site") is not None
    assert refusal(path="/methods", host="localhost", sec_fetch_site="same-site") is not None


def test_a_foreign_request_stops_at_the_door_of_the_running_server(client: Client) -> None:
    by_name = client.ask("GET", "/", headers={"host": "evil.example"})
    posted = client.ask("POST", "/photographs?name=a.png", body=png(), headers={"origin": "http://evil.example"})

    assert (by_name.status, posted.status) == (403, 403)
    assert b"<html" not in by_name.body


def test_what_a_plain_form_can_send_is_not_taken(client: Client) -> None:
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""):
        answer = client.ask("POST", "/photographs?name=a.png", body=png(), headers={"content-type": kind})
        assert answer.status == 415


@pytest.mark.parametrize("path", ["/", "/main.js", "/methods", "/nowhere", "/photographs/x/overview"])
def test_every_answer_has_the_headers_that_keep_browsers_careful(client: Client, path: str) -> None:
    headers = client.get(path).headers

    assert {name: headers.get(name) for name in ANSWER_HEADERS if name != "cache-control"} == {
        name: value for name, value in ANSWER_HEADERS.items() if name != "cache-control"
    }
    assert "unsafe" not in headers["content-security-policy"]


def test_the_page_holds_nothing_that_its_own_policy_forbids_and_nothing_from_outside() -> None:
    for file in resources.files("unblur.serve").joinpath("page").iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, f"{file.name} names an outside address"
        assert "innerHTML" not in text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=\"", text), f"{file.name} has inline code"
