"""The picture of a long run."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from benchmarks.absent import Absent
from benchmarks.sustained.timeline import timeline_svg, tracks


def test_a_moment_without_a_reading_is_a_gap_and_no_zero(moment, long_run):
    moments = [moment(i, 2.0, temperature_celsius=60.0) for i in range(20)]
    moments[5] = moment(5, 2.0)
    picture = ElementTree.fromstring(timeline_svg(long_run(moments)))
    lines = [line.get("points").split() for line in picture.findall(".//{*}polyline")]
    # Inference twice (median and p90), frames a second, age, and the temperature without one.
    assert [len(points) for points in lines] == [20, 20, 20, 20, 19]


def test_what_nobody_could_read_has_no_track(moment, long_run):
    missing = {track.name for track in tracks([moment(0, 2.0)]) if track.missing}
    assert missing == {"temperature °C", "clock MHz", "power W", "processors of other work"}
    assert isinstance(long_run([moment(0, 2.0)]).energy.watts, Absent)
