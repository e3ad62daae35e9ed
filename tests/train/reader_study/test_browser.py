"""The page in a real browser: what a reader sees, answers by keyboard or mouse, and saves."""

from __future__ import annotations

import json

import pytest

from tests.browser import launched_chromium
from train.reader_study import analyse, read_answers
from train.reader_study.make import PAGE_FILE


@pytest.fixture(scope="module")
def chromium():
    with launched_chromium() as browser:
        yield browser


@pytest.fixture
def context(chromium):
    """A browser of one reader, without any network."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    yield context
    context.close()


@pytest.fixture
def look(context, study):
    """Function that opens the page and notes what it asks for and complains of."""

    def open_page():
        page = context.new_page()
        page.problems, page.asked = [], []
        page.on("console", lambda message: page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto((study / PAGE_FILE).as_uri())
        return page

    return open_page


@pytest.fixture
def begun(look):
    """The page at the first picture of reader 2."""
    page = look()
    _begin(page, "2")
    return page


def _begin(page, reader, at=0):
    page.select_option("#reader", reader)
    page.click("#begin button")
    _ready(page, at)


def _ready(page, position):
    page.wait_for_selector(f'body[data-ready="{position}"]', state="attached")


def _answer(page, answers="111"):
    """Answer a reading by keys, the last of them only where there is a map; whether there is."""
    has_map = page.locator("fieldset[name=usefulness]").count() == 1
    for digit in answers[: 3 if has_map else 2]:
        page.keyboard.press(digit)
    page.keyboard.press("Enter")
    return has_map


def _saved(page, tmp_path, name="answers.json"):
    with page.expect_download() as waiting:
        page.click(".save:visible")
    path = tmp_path / name
    waiting.value.save_as(path)
    assert waiting.value.suggested_filename.endswith("-reader-2.json")
    return path


def _read_on(page, position=0):
    """Answer the rest by keys: the last class, 4, 5; and the right map."""
    while page.get_attribute("body", "data-screen") == "case":
        _ready(page, position)
        if page.locator("fieldset[name=preferred]").count():
            page.keyboard.press("2")
            page.keyboard.press("Enter")
        else:
            _answer(page, "345")
        position += 1


def test_a_reader_goes_through_by_keyboard_and_saves_what_the_analysis_takes(
    begun, key, page_data, tmp_path
):
    page = begun
    _read_on(page)
    assert page.inner_text("#done-title") == "Thank you, that was all"
    (answers,) = read_answers([_saved(page, tmp_path)], key)
    assert answers.complete and answers.reader == 2
    order = page_data["readers"][1]
    assert [[one.case, one.map] for one in answers.readings] == order["readings"]
    for one in answers.readings:
        assert (one.diagnosis, one.confidence) == (key.classes[2], 4)
        assert one.usefulness == (5 if one.map else None)
        assert one.seconds > 0 and one.breaks == 0
    assert [[one.case, one.left, one.right] for one in answers.comparisons] == order["comparisons"]
    assert all(one.preferred == one.right for one in answers.comparisons)
    # A third of the cases are of the class that was always answered.
    assert analyse(key, [answers]).readers[0].complete
    assert page.problems == []
    assert {url.partition(":")[0] for url in page.asked} <= {"file", "data", "blob"}


def test_answers_and_time_survive_a_reload(begun, key, tmp_path):
    page = begun
    _answer(page, "123")
    _ready(page, 1)
    page.keyboard.press("3")
    page.reload()
    _ready(page, 1)
    assert page.is_checked("input[name=diagnosis] >> nth=2")
    _read_on(page, 1)
    (answers,) = read_answers([_saved(page, tmp_path)], key)
    assert answers.complete
    assert answers.readings[0].diagnosis == key.classes[0]
    assert [one.breaks for one in answers.readings] == [0, 1, *[0] * (len(answers.readings) - 2)]


def test_nothing_goes_on_before_every_question_is_answered(begun):
    page = begun
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    assert page.inner_text("#hint") == "Please answer every question."
    assert page.get_attribute("body", "data-ready") == "0"
    assert page.evaluate("document.activeElement.name") == "confidence"


def test_the_mouse_does_as_well(begun):
    page = begun
    for fieldset in page.locator("#fields fieldset").all():
        fieldset.locator("label").first.click()
    page.click("#next")
    _ready(page, 1)


def test_a_pause_hides_the_picture_and_stops_the_clock(begun, tmp_path, key):
    page = begun
    page.keyboard.press("p")
    assert (
        page.eval_on_selector("#views img", "one => getComputedStyle(one).visibility") == "hidden"
    )
    kept = (
        "JSON.parse(localStorage.getItem(Object.keys(localStorage).find((k) => k.endsWith('/2'))))"
    )
    before = page.evaluate(f"{kept}.draft.seconds")
    page.keyboard.press("1")  # answers nothing while it is paused
    assert page.locator("input:checked").count() == 0
    assert page.evaluate(f"{kept}.draft.seconds") == before
    page.keyboard.press("p")
    assert (
        page.eval_on_selector("#views img", "one => getComputedStyle(one).visibility") == "visible"
    )
    _answer(page, "111")
    _ready(page, 1)
    (answers,) = read_answers([_saved(page, tmp_path)], key)
    assert not answers.complete
    assert [one.breaks for one in answers.readings] == [1]


def test_a_picture_has_one_size_with_and_without_a_map(begun):
    page, sizes, position = begun, {}, 0
    while len(sizes) < 2:
        box = page.locator("#views img").first.bounding_box()
        sizes[_answer(page)] = (box["width"], box["height"])
        position += 1
        _ready(page, position)
    assert sizes[True] == sizes[False]


def test_another_reader_begins_anew_and_the_first_goes_on(begun):
    page = begun
    _answer(page, "111")
    _ready(page, 1)
    page.click("text=Change reader")
    _begin(page, "1")
    assert "Reader 1, part 1, picture 1 of 6" in page.inner_text("#place")
    page.click("text=Change reader")
    _begin(page, "2", at=1)


def test_a_browser_that_keeps_nothing_says_so_and_still_saves(context, look, key, tmp_path):
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } });"
    )
    page = look()
    assert "a reload loses the answers" in page.inner_text("#warning")
    _begin(page, "2")
    _read_on(page)
    (answers,) = read_answers([_saved(page, tmp_path)], key)
    assert answers.complete


@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_dark_and_fits_a_screen(chromium, study, width):
    context = chromium.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto((study / PAGE_FILE).as_uri())
    _begin(page, "1")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert json.loads(color.replace("rgb(", "[").replace(")", "]")) == [9, 11, 12]
    context.close()
