"""JSON lines of predictions and of what becomes of a camera."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from edge_runtime.evidence import Evidence
from edge_runtime.sinks import JsonLinesSink
from edge_runtime.sinks.json_lines import prediction_record
from edge_runtime.sources import CaptureTime, SourceStatus
from tests.edge_runtime.predictions import NO_SIGNAL, prediction


def test_a_line_says_where_the_evidence_is():
    evidence = Evidence((0.25, 0.12345, 0.5, 0.75), 1 / 3)
    assert prediction_record(prediction(evidence=evidence))["evidence"] == {
        "box": [0.25, 0.123, 0.5, 0.75],
        "share": 0.333,
        "no_signal": "",
    }
    assert prediction_record(prediction(evidence=NO_SIGNAL))["evidence"] == {
        "box": None,
        "share": None,
        "no_signal": "the map is all but zero",
    }
    assert prediction_record(prediction())["evidence"] is None


def test_the_loss_of_a_camera_is_a_line_of_its_own(tmp_path):
    sink = JsonLinesSink(str(tmp_path / "out.jsonl"))
    since = CaptureTime(1.0, datetime(2026, 3, 4, 5, 6, 7, 8000, tzinfo=UTC))
    sink.write(prediction(), None)
    sink.source_changed(SourceStatus("lost", "/dev/video0", since, "Check its cable.", 3))
    sink.write(prediction(), None)
    sink.close(keep=True)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert ["event" in line for line in lines] == [False, True, False]
    assert lines[1] == {
        "event": "source",
        "state": "lost",
        "time_utc": "2026-03-04T05:06:07.008Z",
        "source": "/dev/video0",
        "reason": "Check its cable.",
        "losses": 3,
    }
