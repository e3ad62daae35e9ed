"""Charts: well-formed pictures whose marks lie where the numbers say."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.reporting.charts import WARM, Mark, Series, bar, columns, histogram, lines


def _texts(picture):
    return [element.text for element in picture.iter("text")]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=64))
def test_a_histogram_has_a_bar_for_every_bin_that_is_not_empty(counts):
    picture = ElementTree.fromstring(histogram(counts, -1.0, 2.0))
    bars = list(picture.iter("rect"))
    assert len(bars) == sum(count > 0 for count in counts)
    for shape in bars:
        assert 0 <= float(shape.get("y")) <= 90
        assert float(shape.get("x")) <= 300


def test_a_mark_lies_at_its_value_and_has_its_name():
    picture = ElementTree.fromstring(histogram([1, 2], 0.0, 4.0, [Mark(1.0, "alpha <1>")]))
    (mark,) = (path for path in picture.iter("path") if path.get("stroke") == WARM)
    assert mark.get("d").startswith("M75.0 ")
    assert _texts(picture) == ["alpha <1>", "0", "4"]


def test_a_histogram_in_a_table_has_no_words():
    assert not _texts(
        ElementTree.fromstring(histogram([1], 0, 1, [Mark(0.5, "a")], labelled=False))
    )


def test_columns_carry_their_values():
    picture = ElementTree.fromstring(columns([("-1", 4.0), ("0", 16.0), ("1", 0.0)]))
    heights = [float(shape.get("height")) for shape in picture.iter("rect")]
    assert heights[0] == pytest.approx(heights[1] / 2)  # square root
    assert heights[2] == 0
    assert _texts(picture) == ["-1", "4", "0", "16", "1", "0"]


def test_lines_skip_what_is_unknown_and_name_what_is_asked_for():
    series = [Series("own", [10.0, None, 30.0]), Series("whole", [5.0, 6.0, None])]
    picture = ElementTree.fromstring(lines(["a", "b", "c"], series, "dB", ["c", "b"]))
    paths = [line.get("points").count(",") for line in picture.iter("polyline")]
    assert paths == [2, 2]
    assert "c" in _texts(picture)
    assert "b" not in _texts(picture)


def test_names_of_points_that_lie_close_do_not_overlap():
    names = ["first", "second", "third"]
    picture = ElementTree.fromstring(lines(names, [Series("s", [21.0, 20.0, 20.5])], "dB", names))
    heights = sorted(float(text.get("y")) for text in picture.iter("text") if text.text in names)
    assert min(np.diff(heights)) >= 14


@given(st.lists(st.one_of(st.none(), st.floats(-50, 1e6)), min_size=1, max_size=80))
def test_any_numbers_stay_within_the_picture(values):
    names = [str(index) for index in range(len(values))]
    picture = ElementTree.fromstring(lines(names, [Series("s", values)], "dB"))
    for point in picture.iter("circle"):
        assert -1 <= float(point.get("cy")) <= 300


@pytest.mark.parametrize(("share", "length"), [(-1, 0), (0.5, 45), (7, 90)])
def test_a_bar_stays_within_its_cell(share, length):
    (shape,) = ElementTree.fromstring(bar(share)).iter("rect")
    assert float(shape.get("width")) == length
