"""The page in a real browser: what a person sees, hears and can do."""

from __future__ import annotations

import re
import threading

import cv2
import numpy as np
import pytest

from tests.browser import launched_chromium
from tests.edge_runtime.predictions import NO_SIGNAL
from tests.edge_runtime.web.conftest import Visitor

STATES = {
    "live": {},
    "doubt": {"unfamiliar": True, "distance": 0.8, "uncertain": True, "shown_probability": 0.3},
}


@pytest.fixture(scope="module")
def chromium():
    with launched_chromium() as browser:
        yield browser


class _Camera:
    """Shows frames until the test ends; `set` changes what they are, from the next one on."""

    def __init__(self, server, publish):
        self.server, self._publish, self._shown = server, publish, {}
        self._ended, self._index = threading.Event(), 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def set(self, **shown):
        with self._lock:
            self._shown = shown
            self._show_next()

    def stop(self):
        self._ended.set()
        self._thread.join()

    def _run(self):
        while not self._ended.wait(0.1):
            with self._lock:
                self._show_next()

    def _show_next(self):
        self._index += 1
        self._publish(self.server, index=self._index, **self._shown)


@pytest.fixture
def camera(serve, publish):
    camera = _Camera(serve(), publish)
    yield camera
    camera.stop()


@pytest.fixture
def look(chromium):
    """Function that opens the page of a server: look(server, width=..., **of the browser)."""
    contexts = []

    def open_page(server, width=1280, height=800, wait="live", **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.problems, page.asked = [], []
        page.on("console", lambda message: page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(server.url)
        if wait:
            _expect(page, wait)
        return page

    yield open_page
    for context in contexts:
        context.close()


def _expect(page, state):
    page.wait_for_selector(f'body[data-state="{state}"]', timeout=15_000)


def _text(page, name):
    return page.inner_text(f"#{name}")


def _wait_for_picture(page, width):
    page.wait_for_function("width => document.getElementById('picture').width === width", arg=width)


def _picture(page):
    """Mean colour of the canvas of the picture, RGB."""
    return page.evaluate(
        """() => {
            const canvas = document.getElementById("picture");
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const sums = [0, 0, 0];
            data.forEach((value, index) => { if (index % 4 < 3) sums[index % 4] += value; });
            return sums.map((sum) => sum / (canvas.width * canvas.height));
        }"""
    )


def test_a_person_sees_label_picture_bars_and_facts(camera, look):
    page = look(camera.server)
    page.wait_for_selector("#classes li.shown")
    assert (_text(page, "label"), _text(page, "probability")) == ("red", "90 %")
    assert np.abs(np.array(_picture(page)) - (200, 40, 20)).max() < 8
    assert re.sub(r"\s+", " ", _text(page, "classes")) == "red 90 % green 6 % blue 4 %"
    facts = _text(page, "facts")
    for fact in (
        "FPS, 3 dropped",
        "preprocess 0.5",
        "0.1 of at most 0.6",
        "onnx",
        "tiny aaaaaaaaaaaa",
    ):
        assert fact in facts
    assert "Research use, not a diagnosis." in page.inner_text("footer")
    assert page.title() == "red · saliedge · tiny"


def test_a_map_of_another_class_than_the_shown_one_says_so_beside_the_label(camera, look):
    camera.set(saliency=np.eye(8, dtype=np.float32), shown_label="green", shown_probability=0.4)
    page = look(camera.server)
    page.wait_for_selector("#label:text-is('green')")
    assert _text(page, "probability") == "40 %, map of red"
    camera.set(saliency=np.eye(8, dtype=np.float32))
    page.wait_for_selector("#label:text-is('red')")
    assert _text(page, "probability") == "90 %"


def test_a_map_that_says_nothing_is_told_in_words(camera, look):
    camera.set(saliency=np.eye(8, dtype=np.float32), evidence=NO_SIGNAL)
    page = look(camera.server, wait="doubt")
    assert _text(page, "signs") == "No map: the map is all but zero."


def test_nothing_is_asked_of_anybody_else_and_nothing_is_wrong(camera, look):
    page = look(camera.server)
    page.wait_for_selector("#classes li.shown")
    assert len(page.asked) > 5
    assert all(url.startswith((camera.server.url, "data:")) for url in page.asked)
    assert page.problems == []


def test_a_lost_camera_cannot_be_overlooked(camera, look, lost):
    page = look(camera.server)
    camera.stop()
    lost(camera.server)
    _expect(page, "lost")
    assert _text(page, "label") == "No picture"
    assert _text(page, "banner-title") == "CAMERA LOST"
    assert "check its cable" in _text(page, "signs")
    assert "CAMERA LOST" in page.get_by_role("status").inner_text()
    page.wait_for_selector("#classes:not(:has(.shown))")
    assert re.sub(r"\s+", " ", _text(page, "classes")) == "red – green – blue –"
    assert "grayscale" in page.eval_on_selector("#layers", "it => getComputedStyle(it).filter")


def test_a_camera_that_is_back_is_live_again(camera, look, lost, publish):
    page = look(camera.server)
    camera.stop()
    lost(camera.server)
    _expect(page, "lost")
    lost(camera.server, "live")
    publish(camera.server)
    _expect(page, "live")
    assert not page.is_visible("#banner")


def test_a_picture_unlike_the_training_images_is_marked(camera, look):
    camera.set(**STATES["doubt"])
    page = look(camera.server, wait="doubt")
    assert _text(page, "label") == "red ?"
    assert _text(page, "banner-title") == "UNLIKE THE TRAINING IMAGES"
    assert "do not rely on the label" in _text(page, "signs")
    assert "Below its operating point (50 %)" in _text(page, "signs")


def test_an_operating_point_below_certainty_is_not_shown_as_100_percent(camera, look, monkeypatch):
    monkeypatch.setattr("edge_runtime.web.view.call_threshold", lambda _spec, _label: 0.9952)
    camera.set(**STATES["doubt"])
    page = look(camera.server, wait="doubt")
    page.wait_for_selector("#signs:has-text('99.5 %')")
    assert "Below its operating point (99.5 %)" in _text(page, "signs")


def test_an_old_picture_is_marked_although_the_camera_is_not_lost(camera, look):
    camera.set(age=30.0)
    page = look(camera.server, wait="doubt")
    assert _text(page, "banner-title") == "OLD PICTURE"


def test_a_device_that_is_gone_cannot_be_overlooked(camera, look):
    page = look(camera.server)
    camera.stop()
    camera.server.close()
    _expect(page, "offline")
    assert _text(page, "banner-title") == "NO CONNECTION"
    assert _text(page, "label") == "No connection"


def test_pause_holds_the_picture_and_says_so(camera, look):
    page = look(camera.server)
    page.keyboard.press("Space")
    _expect(page, "paused")
    assert _text(page, "banner-title") == "PAUSED"
    held = _picture(page)
    camera.set(color=(20, 40, 200), shown_label="blue")
    assert _text(page, "label") == "red"
    assert _picture(page) == held
    page.get_by_role("button", name="Go on").click()
    _expect(page, "live")
    page.wait_for_selector("#classes li.shown:nth-child(3)")
    assert _text(page, "label") == "blue"


def test_the_map_is_a_layer_of_its_own(camera, look):
    camera.set(saliency=np.eye(8, dtype=np.float32))
    page = look(camera.server)

    def opacity():
        return float(page.eval_on_selector("#map", "it => getComputedStyle(it).opacity"))

    assert opacity() == 0.65
    page.keyboard.press("]")
    assert opacity() == pytest.approx(0.7)
    page.get_by_label("Opacity").fill("20")
    assert opacity() == pytest.approx(0.2)
    page.keyboard.press("m")
    assert opacity() == 0
    assert not page.is_visible("#outline")
    page.get_by_role("button", name="Map").click()
    assert opacity() == pytest.approx(0.2)


def test_a_snapshot_is_saved_by_the_browser_and_nowhere_else(camera, look, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    camera.set(size_hw=(96, 128))
    page = look(camera.server, accept_downloads=True)
    _wait_for_picture(page, width=128)
    with page.expect_download() as caught:
        page.keyboard.press("s")
    assert re.fullmatch(r"saliedge-[\dT.-]+Z\.png", caught.value.suggested_filename)
    image = cv2.imread(str(caught.value.path()))
    assert image.shape[1] == 128
    assert image.shape[0] > 96
    assert np.abs(image[:90, :120].reshape(-1, 3).mean(axis=0) - (20, 40, 200)).max() < 8
    assert list(tmp_path.iterdir()) == []


def test_there_is_no_snapshot_of_a_picture_that_was_never_drawn(serve, publish, look):
    server = serve()
    publish(server, size_hw=(96, 128))  # nobody looks: its picture is not kept
    page = look(server, wait=None, accept_downloads=True)
    page.wait_for_selector("#classes li.shown")
    saved = []
    page.on("download", lambda download: saved.append(download))
    page.keyboard.press("s")
    publish(server, size_hw=(96, 128))
    _wait_for_picture(page, width=128)
    with page.expect_download() as caught:
        page.keyboard.press("s")
    assert cv2.imread(str(caught.value.path())).shape[1] == 128
    assert len(saved) == 1


def test_everything_can_be_reached_and_done_with_the_keyboard(camera, look):
    page = look(camera.server)
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.className")
        )
    assert reached == ["skip", "pause", "snapshot", "show-map", "opacity", "fullscreen", "help"]
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Space")  # on the dialog's button: it closes, nothing is paused
    assert not page.get_by_role("dialog").is_visible()
    assert page.get_attribute("#pause", "aria-pressed") == "false"


def test_a_screen_reader_has_names_for_everything(camera, look):
    page = look(camera.server)
    page.wait_for_selector("#classes li.shown")
    assert page.get_by_role("img", name="Camera picture, red").count() == 1
    meter = page.get_by_role("meter", name="red")
    assert meter.get_attribute("aria-valuenow") == "90"
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input")]
            .filter((it) => !(it.textContent.trim() || it.labels?.length))
            .map((it) => it.id)"""
    )
    assert unnamed == []


_CONTRASTS = """() => {
    const channels = (text) => text.match(/[\\d.]+/g).map(Number);
    const luminance = (text) => {
        const [r, g, b] = channels(text).slice(0, 3).map((value) => {
            const share = value / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (it) => {
        for (; it; it = it.parentElement) {
            const colour = getComputedStyle(it).backgroundColor;
            if ((channels(colour)[3] ?? 1) === 1) return colour;
        }
        return "rgb(0, 0, 0)";
    };
    const kinds = "p, h1, h2, li, dt, dd, span, button, label, footer";
    const texts = [...document.querySelectorAll(kinds)]
        .filter((it) => it.checkVisibility() && it.textContent.trim() && !it.closest(".unseen"));
    return texts.map((it) => {
        const [a, b] = [luminance(getComputedStyle(it).color), luminance(ground(it))];
        return [it.id || it.tagName, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    });
}"""


@pytest.mark.parametrize("state", ["live", "doubt", "lost"])
def test_every_text_has_the_contrast_of_wcag_aa(camera, look, lost, state):
    camera.set(**STATES.get(state, {}))
    page = look(camera.server, wait="live" if state == "lost" else state)
    if state == "lost":
        camera.stop()
        lost(camera.server)
        _expect(page, "lost")
    contrasts = page.evaluate(_CONTRASTS)
    assert len(contrasts) > 20
    assert [entry for entry in contrasts if entry[1] < 4.5] == []


def test_the_room_stays_dark(camera, look):
    camera.set(color=(0, 0, 0))
    image = cv2.imdecode(np.frombuffer(look(camera.server).screenshot(), np.uint8), 1)
    assert image.mean() < 32


def test_less_motion_is_given_to_those_who_ask_for_it(camera, look):
    page = look(camera.server, reduced_motion="reduce")
    page.wait_for_selector("#classes li.shown")
    duration = page.eval_on_selector(
        "#classes .fill", "it => getComputedStyle(it).transitionProperty"
    )
    assert duration == "none"


def test_a_phone_shows_label_picture_and_purpose_at_once(camera, look):
    camera.set(size_hw=(96, 128))
    page = look(camera.server, width=360, height=740, is_mobile=True, has_touch=True)
    page.wait_for_selector("#classes li.shown")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    label, picture, footer = (
        page.locator(it).bounding_box() for it in ("#label", "#frame", "footer")
    )
    assert label["y"] + label["height"] < picture["y"]
    assert picture["y"] + picture["height"] < footer["y"] < 740
    for button in page.get_by_role("button").all():
        if button.is_visible():
            assert button.bounding_box()["height"] >= 44


def test_many_classes_are_shown_by_their_probability(camera, look):
    camera.set(probabilities={f"class {index}": index / 100 for index in range(30)} | {"red": 0.5})
    page = look(camera.server)
    page.wait_for_selector("#classes li")
    names = [row.split("\n")[0] for row in page.locator("#classes li").all_inner_texts()]
    assert names == ["red", *(f"class {index}" for index in range(29, 22, -1))]


def test_names_of_classes_are_text_whatever_they_hold(camera, look):
    camera.set(probabilities={"red": 0.9, "<img src=x onerror=alert(1)>": 0.1})
    page = look(camera.server)
    page.wait_for_selector("#classes li")
    assert "<img src=x onerror=alert(1)>" in _text(page, "classes")
    assert page.locator("#classes img").count() == 0


def test_the_printed_address_signs_in_and_the_token_leaves_the_address(serve, publish, look):
    server = serve("0.0.0.0:0")
    token = server.url.partition("#")[2]
    server.url = f"http://127.0.0.1:{Visitor(server).port}/#{token}"
    camera = _Camera(server, publish)
    try:
        page = look(server)
        assert token not in page.url
        assert all(token not in url for url in page.asked)
    finally:
        camera.stop()


def test_a_wrong_token_is_said_to_be_wrong(serve, look):
    server = serve("0.0.0.0:0")
    server.url = f"http://127.0.0.1:{Visitor(server).port}/"
    page = look(server, wait=None)
    page.get_by_label("Token").fill("a guess")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("This is not the token.").wait_for()
