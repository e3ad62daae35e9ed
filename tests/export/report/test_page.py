"""The page of an export: the verdict first, every number from the record, legible on a phone."""

from __future__ import annotations

import copy
import json

import pytest

from export.bundle_writer import gates_path, report_path
from export.report import report_page
from tests.browser import launched_chromium
from tests.pages import check_self_contained


@pytest.fixture(scope="module")
def record(tiny_bundle):
    return json.loads(gates_path(tiny_bundle).read_text())


@pytest.fixture(scope="module")
def page(tiny_bundle):
    return report_path(tiny_bundle).read_text()


def test_it_loads_nothing(page):
    check_self_contained(page)


def test_the_bundle_holds_the_very_page_and_record(tiny_bundle):
    assert (tiny_bundle / "report.html").read_bytes() == report_path(tiny_bundle).read_bytes()
    assert (tiny_bundle / "gates.json").read_bytes() == gates_path(tiny_bundle).read_bytes()


def test_a_good_export_says_so_first(page, record):
    verdict = page.partition("</h1>")[2].partition("</p>")[0]
    assert f"Passed: all {len(record['gates'])} checks hold." in verdict


def test_a_failed_one_says_which_check_failed_and_marks_its_line(record):
    failing = copy.deepcopy(record)
    gate = failing["gates"][3]
    gate.update(passed=False, value=7.0)
    failing.update(passed=False, failed=[gate["name"]])
    page = report_page(failing)
    verdict = page.partition("</h1>")[2].partition("</div>")[0]
    assert "No bundle was written." in verdict
    assert f"{gate['name']} is 7" in verdict
    (marked,) = (line for line in page.split("<tr") if "FAILED" in line)
    assert marked.startswith(' class="marked"')
    check_self_contained(page)


def test_a_range_that_is_not_exact_is_marked(record):
    broken = copy.deepcopy(record)
    broken["ranges"][2]["tflite"]["exact"] = False
    broken["ranges"][4]["onnx"] = None
    table = report_page(broken).partition("read back from both files")[2]
    assert table.count('class="marked"') == 2
    assert "absent" in table


def test_the_trust_card_is_shown(page, record):
    card = page.partition("<h2>Trust card of the maps")[2].partition("<h2>")[0]
    assert len(record["trust"]) == 6
    for row in record["trust"]:
        agreement = row["with_float"]
        assert f"{agreement['spearman']:.2f} / {agreement['top_overlap']:.0%}" in card
    assert "pointing, off-centre (blind)" in card


def test_a_network_without_maps_has_no_trust_card(record):
    assert "Trust card" not in report_page({**record, "trust": []})


def test_every_layer_and_range_is_shown(page, record):
    layers = page.partition("Layer by layer")[2].partition("Graph files")[0]
    ranges = page.partition("read back from both files")[2]
    for entry in record["ranges"]:
        assert entry["node"] in layers
        assert f"{entry['scale']:.9g}" in ranges


def test_synthetic_pictures_with_float_and_int8_maps_are_inside(page):
    assert page.count("<img") == 3 * 6
    assert page.count("synthetic picture;") == 6
    assert "training image;" not in page


def test_findings_are_shown_with_what_is_left_out(record):
    found = copy.deepcopy(record)
    found["calibration"]["findings"] = ["2 of 9 sites clip much: do this."]
    found["left_out"] = {"gradient": "MaxPool has no <b>gradient</b>."}
    page = report_page(found)
    assert "2 of 9 sites clip much: do this." in page
    assert "There is no gradient graph: MaxPool has no &lt;b&gt;gradient" in page


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_a_screen(tiny_bundle, width):
    """Wide tables scroll inside themselves; the page does not."""
    with launched_chromium() as browser:
        tab = browser.new_page(viewport={"width": width, "height": 800})
        errors = []
        tab.on("console", lambda message: errors.append(message.text))
        tab.goto(report_path(tiny_bundle).as_uri())
        shown = tab.evaluate("document.documentElement.scrollWidth")
    assert shown == width
    assert errors == []
