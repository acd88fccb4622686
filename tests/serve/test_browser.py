"""The page in a real browser: what a photographer does, with a mouse and without."""

import re
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from tests.serve.conftest import Server, png
from tests.serve.test_psfs import roof, texture
from unblur.colour import encode_srgb
from unblur.degrade.blur import valid_blur
from unblur.psf.parse import parse_psf

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ("background-networking", "component-update", "sync", "quic", "gpu")
"""What the browser must not do: ask the network for anything of its own."""

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """One for all tests."""
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in QUIET)]
        )
        yield running
        running.close()


@pytest.fixture
def page(browser: "Browser", server: Server) -> "Iterator[Page]":
    """The page, just opened; at the end nothing may have gone wrong or outside."""
    context = browser.new_context(viewport={"width": 1200, "height": 800}, color_scheme="dark")
    opened = context.new_page()
    home = f"http://127.0.0.1:{server.port}/"
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    opened.on(
        "request", lambda asked: None if asked.url.startswith((home, f"blob:{home}")) else troubles.append(asked.url)
    )
    opened.goto(home)
    opened.locator("#method option").first.wait_for(state="attached")
    opened.locator("#method").select_option("wiener", force=True)  # fast; the panel is not shown yet
    yield opened
    context.close()
    assert not [text for text in troubles if "400" not in text]  # a refusal is an answer


def open_photograph(page: "Page", content: bytes, name: str = "moon.png") -> None:
    """As by the file dialogue."""
    page.set_input_files("#file", {"name": name, "mimeType": "", "buffer": content})
    previewed(page)


def previewed(page: "Page") -> None:
    """Wait for a preview."""
    playwright.expect(page.locator("#status")).to_have_text(re.compile(r"The framed part: .* s$"), timeout=30_000)


def seen(page: "Page") -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """What is drawn of the photograph, as RGB."""
    shot = page.locator("#view").screenshot()
    return np.asarray(Image.open(BytesIO(shot)).convert("RGB")).astype(np.int64)


def stars() -> bytes:
    """Two points of light, 70 px apart, blurred by a short motion."""
    sharp = torch.full((1, 1, 180, 220), 0.01)
    sharp[..., 60, 90] = sharp[..., 110, 140] = 20.0
    blurred = encode_srgb(valid_blur(sharp, parse_psf("motion:11,30")).clamp(0, 1))[0, 0]
    file = BytesIO()
    Image.fromarray((blurred.numpy() * 255).round().astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_a_slider_restores_the_middle_again_and_the_handle_divides_before_and_after(page: "Page") -> None:
    open_photograph(page, png(300, 400))
    first = seen(page)
    page.locator("input[type=range][data-name=radius]").fill("9")
    playwright.expect(page.locator("input[type=number][data-name=radius]")).to_have_value("9")
    playwright.expect(page.locator("#psf-size")).to_have_text("19 × 19 px")
    page.wait_for_timeout(300)
    previewed(page)
    page.wait_for_timeout(100)
    second = seen(page)

    middle = first.shape[1] // 2
    assert np.abs(first - second)[:, middle + 30 :].max() > 40  # after
    assert np.abs(first - second)[200:, : middle - 30].max() == 0  # before, below the labels


def test_the_page_is_worked_by_keys_alone(page: "Page") -> None:
    open_photograph(page, png(300, 400))
    handle, view = page.locator("#handle"), page.locator("#view")

    handle.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    playwright.expect(handle).to_have_attribute("aria-valuenow", "40")
    view.focus()
    page.keyboard.press("+")
    playwright.expect(page.locator("input[name=zoom][value='2']")).to_be_checked()
    page.keyboard.press("0")
    playwright.expect(page.locator("input[name=zoom][value=fit]")).to_be_checked()
    page.locator("input[name=kind][value=disk]").focus()
    page.keyboard.press("ArrowRight")
    playwright.expect(page.locator("input[name=kind][value=motion]")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    playwright.expect(page.locator("input[type=number][data-name=length]")).to_have_value("15.5")


def test_a_light_is_pointed_at_with_the_mouse_and_with_keys(page: "Page") -> None:
    open_photograph(page, stars())
    page.locator("input[name=kind][value=light]").check(force=True)
    playwright.expect(page.locator("#restore")).to_be_disabled()
    box = page.locator("#view").bounding_box()
    assert box is not None
    psf = parse_psf("motion:11,30")
    width, height = 220 - psf.shape[1] + 1, 180 - psf.shape[0] + 1
    x, y = 90 - psf.shape[1] // 2, 60 - psf.shape[0] // 2

    page.locator("#light-alone").check()
    page.locator("#point").click()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.click(middle[0] + x + 0.5 - width / 2, middle[1] + y + 0.5 - height / 2)

    playwright.expect(page.locator("#light-facts")).to_contain_text(f"Light at {x}, {y}.")
    previewed(page)
    page.locator("#point").click()  # the focus goes to the photograph, whose middle is between the lights
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#alert")).to_contain_text("Nothing stands out")
    for key, steps in (("ArrowLeft", (width / 2 - x) / 4), ("ArrowUp", (height / 2 - y) / 4 - 1)):
        for _ in range(round(steps)):
            page.keyboard.press(f"Shift+{key}")
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#banner")).to_be_hidden()
    playwright.expect(page.locator("#light-facts")).to_contain_text(f"Light at {x}, {y}.")
    page.locator("#point").click()
    page.keyboard.press("Escape")
    playwright.expect(page.locator("#banner")).to_be_hidden()


def test_a_path_drawn_by_hand_becomes_the_psf(page: "Page") -> None:
    open_photograph(page, png(200, 240))
    page.locator("input[name=kind][value=drawn]").check(force=True)
    playwright.expect(page.locator("#status")).to_have_text("Draw the path of the light.")
    box = page.locator("#pad").bounding_box()
    assert box is not None
    step = box["width"] / 31

    page.mouse.move(box["x"] + 5 * step, box["y"] + 10 * step)
    page.mouse.down()
    page.mouse.move(box["x"] + 25 * step, box["y"] + 10 * step, steps=5)
    page.mouse.up()

    playwright.expect(page.locator("#psf-size")).to_have_text(re.compile(r"2\d × 5 px"))
    previewed(page)
    page.locator("#pad").focus()
    for key in ("Space", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "Space"):
        page.keyboard.press(key)
    playwright.expect(page.locator("#psf-size")).to_have_text(re.compile(r"5 × 9 px"))


def test_names_and_refusals_are_shown_as_text(page: "Page") -> None:
    name = "<img src=x onerror=document.title=1>.png"
    open_photograph(page, png(), name)

    playwright.expect(page.locator("#facts")).to_contain_text(name)
    playwright.expect(page).to_have_title(f"{name} – unblur")
    page.set_input_files("#file", {"name": "<b>x.png", "mimeType": "", "buffer": b"no picture"})
    playwright.expect(page.locator("#alert span")).to_contain_text("<b>x.png is not a picture")
    playwright.expect(page.locator("#facts")).to_contain_text(name)  # the old one is still there
    page.locator("input[type=range][data-name=radius]").fill("3")
    previewed(page)
    playwright.expect(page.locator("#alert")).to_be_visible()  # a preview does not answer it
    page.locator("#alert button").click()
    playwright.expect(page.locator("#alert")).to_be_hidden()


def test_the_whole_is_restored_and_downloaded(page: "Page") -> None:
    open_photograph(page, png(200, 240), "moon & sun.png")

    page.locator("#restore").click()
    playwright.expect(page.locator("#progress")).to_be_visible()
    page.locator("#download").wait_for(timeout=60_000)
    with page.expect_download() as arriving:
        page.locator("#download").click()

    assert arriving.value.suggested_filename == "moon & sun-restored.png"
    assert Image.open(BytesIO(Path(arriving.value.path()).read_bytes())).size == (240, 200)
    playwright.expect(page.locator("#status")).to_have_text("The whole photograph, restored")
    page.locator("input[type=range][data-name=radius]").fill("2")  # another order: a preview again
    previewed(page)


def test_a_restoration_is_cancelled_on_the_page(page: "Page") -> None:
    open_photograph(page, png(200, 240))

    page.locator("#restore").click()
    page.locator("#cancel").click()

    playwright.expect(page.locator("#status")).to_have_text("Cancelled.")
    playwright.expect(page.locator("#restore")).to_be_enabled()
    playwright.expect(page.locator("#progress")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 820, 1600])
def test_everything_fits_on_narrow_and_wide_screens(page: "Page", width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    open_photograph(page, png(300, 400))

    for part in ("#frame", "#zooms", "#kinds", "#method", "#restore", "#open"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    frame = page.locator("#frame").bounding_box()
    assert frame is not None
    assert frame["height"] > 300


def test_a_line_across_an_edge_gives_the_blur_with_mouse_finger_and_keys(page: "Page") -> None:
    open_photograph(page, roof())  # about 152 x 112 px, its edge near the middle
    page.locator("input[name=kind][value=edge]").check(force=True)
    playwright.expect(page.locator("#restore")).to_be_disabled()
    box = page.locator("#view").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    page.locator("#edge").click()
    page.mouse.move(x - 30, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 6, steps=4)
    page.mouse.up()

    facts = page.locator("#edge-facts")
    playwright.expect(facts).to_contain_text(re.compile(r"Out of focus, radius 4\.\d+ px"))
    playwright.expect(page.locator("#banner")).to_be_hidden()
    previewed(page)

    page.locator("#edge").click()  # the focus goes to the photograph
    with page.expect_response("**/psf/edge") as measured:
        for key in (*["Shift+ArrowLeft"] * 7, "Enter", *["Shift+ArrowRight"] * 14, "Enter"):
            page.keyboard.press(key)
    asked = measured.value.request.post_data_json
    assert asked is not None
    left, _, wide, tall = asked["box"]
    assert abs(left + wide / 2 - 76) <= 2  # 28 px to the left of the middle and to the right of it
    assert (abs(wide - 56) <= 2, abs(tall - 28) <= 2) == (True, True)
    playwright.expect(page.locator("#banner")).to_be_hidden()
    playwright.expect(facts).to_contain_text(re.compile(r"Out of focus, radius 4\.\d+ px"))

    page.locator("#edge-adjust").click()
    playwright.expect(page.locator("input[name=kind][value=disk]")).to_be_checked()
    playwright.expect(page.locator("input[type=number][data-name=radius]")).to_have_value(re.compile(r"4\.\d+"))
    page.locator("#more summary").click()
    playwright.expect(page.locator("#command code")).to_contain_text("--psf disk:4.")


def test_a_line_where_no_edge_is_is_refused_in_a_sentence_and_can_be_drawn_again(page: "Page") -> None:
    open_photograph(page, roof())
    page.locator("input[name=kind][value=edge]").check(force=True)
    page.locator("#edge").click()
    box = page.locator("#view").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    page.mouse.move(x + 30, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=3)
    page.mouse.up()

    playwright.expect(page.locator("#alert span")).to_have_text(re.compile(r"^[A-Z].*\.$"))
    playwright.expect(page.locator("#banner")).to_be_visible()
    page.keyboard.press("Escape")
    playwright.expect(page.locator("#banner")).to_be_hidden()


def test_a_blur_is_estimated_with_progress_and_can_be_cancelled(page: "Page") -> None:
    open_photograph(page, texture())
    page.locator("input[name=kind][value=found]").check(force=True)
    playwright.expect(page.locator("#status")).to_have_text("Let the blur be estimated.")

    page.locator("#find").click()
    playwright.expect(page.locator("#finding progress")).to_be_visible()
    page.locator("#find-cancel").click()
    playwright.expect(page.locator("#finding")).to_be_hidden()
    playwright.expect(page.locator("#find")).to_be_enabled()

    page.locator("#find-kind").select_option("disk")
    page.locator("#find-size").fill("20")
    page.locator("#find-size").blur()
    playwright.expect(page.locator("#find-size")).to_have_value("21")  # odd
    page.locator("#find").click()
    playwright.expect(page.locator("#find-facts")).to_contain_text("Out of focus, radius", timeout=60_000)
    previewed(page)
    page.locator("#find-adjust").click()
    playwright.expect(page.locator("input[name=kind][value=disk]")).to_be_checked()
    previewed(page)


def test_another_format_is_chosen_for_the_download(page: "Page") -> None:
    open_photograph(page, png(200, 240), "moon.png")
    page.locator("#restore").click()
    page.locator("#download[href]").wait_for(timeout=60_000)

    page.locator("#format").select_option("jpeg")
    playwright.expect(page.locator("#download")).to_have_text("Download moon-restored.jpg")
    large = page.locator("#notes").inner_text()
    page.locator("#quality").fill("20")
    page.locator("#quality").blur()
    playwright.expect(page.locator("#notes")).not_to_have_text(large)
    page.locator("#download[href*='quality=20']").wait_for()
    with page.expect_download() as arriving:
        page.locator("#download").click()

    assert arriving.value.suggested_filename == "moon-restored.jpg"
    with Image.open(arriving.value.path()) as saved:
        assert (saved.format, saved.size) == ("JPEG", (240, 200))


def test_a_finger_points_moves_and_draws_as_a_mouse_does(browser: "Browser", server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    try:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.locator("#method option").first.wait_for(state="attached")
        page.locator("#method").select_option("wiener", force=True)
        open_photograph(page, roof())
        page.locator("input[name=kind][value=edge]").check(force=True)
        page.locator("#edge").tap()
        page.evaluate("scrollTo(0, 0)")
        box = page.locator("#view").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        finger = context.new_cdp_session(page)
        for kind, dx in (("touchStart", -25), ("touchMove", -5), ("touchMove", 25)):
            place = [{"x": x + dx, "y": y + dx / 10}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": place})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        playwright.expect(page.locator("#edge-facts")).to_contain_text(re.compile(r"Out of focus, radius 4\.\d+ px"))
        assert page.evaluate("scrollY") == 0  # the page stayed where it was
    finally:
        context.close()
