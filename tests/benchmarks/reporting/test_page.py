"""The page of a report: everything is inside, and everything is shown."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from benchmarks.absent import Absent
from benchmarks.reporting.page import report_html
from benchmarks.reporting.pictures import latency_svg, memory_svg, rounds_svg

SVG = "{http://www.w3.org/2000/svg}"


def test_the_page_shows_every_figure_and_loads_nothing(report):
    page = report_html(report)
    assert not any(word in page.replace(SVG[1:-1], "") for word in ("http:", "https:", "src="))
    for result in report.results:
        assert f"{result.summary.stages_ms['inference']['p50']:.3f}" in page
    assert "p99 needs 1000 samples" in page
    assert "too few to tell chance from change" in page
    assert "sha256 abababababababab" in page


@pytest.mark.parametrize("draw", [latency_svg, rounds_svg, memory_svg])
def test_each_picture_names_each_configuration(report, draw):
    # The peak of one could not be read, which is left out and not drawn as zero.
    known = [r for r in report.results if not isinstance(r.summary.memory_peak_bytes, Absent)]
    texts = [text.text for text in ElementTree.fromstring(draw(known)).iter(f"{SVG}text")]
    assert {result.configuration.name for result in known} <= set(texts)


@pytest.mark.parametrize("draw", [latency_svg, rounds_svg, memory_svg])
def test_threads_and_bundle_stand_below_the_name_and_fit(report, draw):
    file = "a-very-long-name-of-a-bundle-that-does-not-fit.edge"
    (result,) = report.results[:1]
    named = replace(result.configuration, threads=2, bundle=file)
    picture = ElementTree.fromstring(draw([replace(result, configuration=named)]))
    (text,) = [text for text in picture.iter(f"{SVG}text") if text.text == "onnx int8"]
    (below,) = text.iter(f"{SVG}tspan")
    assert below.text.startswith("2 threads, a-very-long")
    assert below.text.endswith("…") and len(below.text) == 30


def test_every_process_is_a_point_in_the_order_of_measuring(report):
    picture = ElementTree.fromstring(rounds_svg(report.results[:1]))
    heights = [float(circle.get("cy")) for circle in picture.iter(f"{SVG}circle")]
    # 2 ms, then 3 ms: up is slower.
    assert len(heights) == 2
    assert heights[0] > heights[1]


def test_no_two_lines_of_many_configurations_look_alike(report):
    results = [report.results[0]] * 24
    picture = ElementTree.fromstring(rounds_svg(results))
    lines = [
        (line.get("stroke"), line.get("stroke-dasharray"))
        for line in picture.iter(f"{SVG}polyline")
    ]
    assert len(set(lines)) == len(lines) == 24
    legend = [(e.get("stroke"), e.get("stroke-dasharray")) for e in picture.iter(f"{SVG}path")]
    assert legend == lines


def test_memory_that_could_not_be_read_gives_no_bar(report):
    assert memory_svg(report.results[2:]) == ""


def test_latencies_that_are_all_the_same_are_drawn(report):
    picture = ElementTree.fromstring(latency_svg(report.results[1:2]))
    assert len(list(picture.iter(f"{SVG}polygon"))) == 1
