"""The picture of a long run."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.absent import Absent
from benchmarks.sustained.timeline import linear_ticks, timeline_svg, tracks


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4), st.integers(3, 12))
def test_ticks_lie_within_their_ends_and_are_few(low, span, most):
    ticks = linear_ticks(low, low + span, most)
    assert 1 <= len(ticks) <= most
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in ticks)


@pytest.mark.parametrize(
    ("ends", "ticks"),
    [((0, 10), [0, 5, 10]), ((47.8, 88.2), [50, 60, 70, 80]), ((1.9, 2.4), [2.0, 2.2, 2.4])],
)
def test_ticks_are_round(ends, ticks):
    assert linear_ticks(*ends, 4) == ticks


def test_a_moment_without_a_reading_is_a_gap_and_no_zero(moment, long_run):
    moments = [moment(i, 2.0, temperature_celsius=60.0) for i in range(20)]
    moments[5] = moment(5, 2.0)
    picture = ElementTree.fromstring(timeline_svg(long_run(moments)))
    lines = [line.get("points").split() for line in picture.iter("polyline")]
    # Inference twice (median and p90), frames a second, age, and the temperature without one.
    assert [len(points) for points in lines] == [20, 20, 20, 20, 19]


def test_what_nobody_could_read_has_no_track(moment, long_run):
    missing = {track.name for track in tracks([moment(0, 2.0)]) if track.missing}
    assert missing == {"temperature °C", "clock MHz", "power W", "processors of other work"}
    assert isinstance(long_run([moment(0, 2.0)]).energy.watts, Absent)
