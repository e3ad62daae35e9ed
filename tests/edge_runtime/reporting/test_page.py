"""Pages: whole, escaped, and loading nothing."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from edge_runtime.reporting.page import data_uri, html_list, html_page, html_table
from tests.pages import check_self_contained

HOSTILE = '<img src="http://example.com/x"> & "polyp"'


def test_a_page_is_self_contained_whatever_the_text_says():
    table = html_table(("name", HOSTILE), [(HOSTILE, "1")])
    page = html_page(HOSTILE, table + html_list([HOSTILE]))
    check_self_contained(page)
    assert page.count("&lt;img") == 5


def test_words_and_figures_are_set_apart_and_lines_can_be_marked():
    table = html_table(("a", "b"), [("x", "1"), ("y", "2")], 1, marked=(1,))
    assert '<tr><td class="word">x</td><td>1</td></tr>' in table
    assert '<tr class="marked"><td class="word">y</td>' in table


def test_a_picture_is_inside_its_address():
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    kind, _, data = data_uri(picture).partition("base64,")
    assert kind == "data:image/png;"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), picture)


def test_a_photograph_can_be_a_jpeg():
    picture = np.full((5, 7, 3), (200, 40, 90), np.uint8)
    kind, _, data = data_uri(picture, jpeg_quality=90).partition("base64,")
    assert kind == "data:image/jpeg;"
    read = np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).astype(int)
    assert np.abs(read - picture).max() <= 3
