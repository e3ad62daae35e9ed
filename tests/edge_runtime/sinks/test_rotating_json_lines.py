"""JSON lines in a bounded set of files: nothing grows for ever, nothing is half."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.errors import OutputError
from edge_runtime.sinks import RotatingJsonLinesSink
from edge_runtime.sources import CaptureTime, Frame
from edge_runtime.sources.base import SourceStatus
from tests.edge_runtime.predictions import prediction


def _write(sink, first, count):
    for index in range(first, first + count):
        frame = Frame(prediction().frame.image, "camera", index, CaptureTime.now(), "camera")
        sink.write(prediction(frame=frame), None)


def _frames(path):
    return [json.loads(line)["frame"] for line in path.read_text().splitlines()]


def _line_bytes(tmp_path):
    sink = RotatingJsonLinesSink(tmp_path / "measure.jsonl", 10**6, 0)
    _write(sink, 0, 1)
    sink.close(True)
    return (tmp_path / "measure.jsonl").stat().st_size


def test_a_full_file_is_put_aside_and_the_oldest_is_forgotten(tmp_path):
    target = tmp_path / "out.jsonl"
    sink = RotatingJsonLinesSink(target, 2 * _line_bytes(tmp_path), keep=2)
    _write(sink, 0, 9)
    sink.close(True)
    assert _frames(target) == [8]
    assert _frames(tmp_path / "out.jsonl.1") == [6, 7]
    assert _frames(tmp_path / "out.jsonl.2") == [4, 5]
    assert not (tmp_path / "out.jsonl.3").exists()


@settings(max_examples=20)
@given(
    lines=st.integers(0, 30),
    max_bytes=st.integers(1, 3000),
    keep=st.integers(0, 3),
    runs=st.integers(1, 3),
)
def test_the_last_lines_are_there_in_order_and_within_the_bound(
    tmp_path_factory, lines, max_bytes, keep, runs
):
    folder = tmp_path_factory.mktemp("bounded")
    target = folder / "out.jsonl"
    for run in range(runs):
        sink = RotatingJsonLinesSink(target, max_bytes, keep)
        _write(sink, run * lines, lines)
        sink.close(True)
    files = [folder / f"out.jsonl.{number}" for number in range(keep, 0, -1)] + [target]
    left = [index for path in files if path.exists() for index in _frames(path)]
    assert left == list(range(runs * lines - len(left), runs * lines))
    assert len(list(folder.iterdir())) <= keep + 1
    for path in folder.iterdir():
        assert path.stat().st_size <= max_bytes or len(_frames(path)) == 1


def test_a_later_run_goes_on_behind_the_last_whole_line(tmp_path):
    target = tmp_path / "out.jsonl"
    target.write_text('{"frame": 0}\n{"frame": 1, "lab')  # a power cut
    sink = RotatingJsonLinesSink(target, 10**6, 1)
    _write(sink, 2, 1)
    sink.close(True)
    assert _frames(target) == [0, 2]


def test_lines_are_there_at_once_and_stay_after_a_failure(tmp_path):
    target = tmp_path / "out.jsonl"
    sink = RotatingJsonLinesSink(target, 10**6, 1)
    _write(sink, 0, 1)
    assert _frames(target) == [0]
    sink.close(keep=False)
    assert _frames(target) == [0]


def test_the_loss_of_a_camera_is_a_line(tmp_path):
    sink = RotatingJsonLinesSink(tmp_path / "out.jsonl", 10**6, 1)
    sink.source_changed(SourceStatus("lost", "camera", CaptureTime.now(), "It is gone.", 1))
    sink.close(True)
    assert json.loads((tmp_path / "out.jsonl").read_text())["event"] == "source"


def test_a_full_disk_costs_lines_and_not_the_run(tmp_path, monkeypatch, capsys):
    target = tmp_path / "out.jsonl"
    sink = RotatingJsonLinesSink(target, 10**6, 1)
    _write(sink, 0, 1)
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123
        sink._stream = full
        _write(sink, 1, 1)
    monkeypatch.setattr(RotatingJsonLinesSink, "_open", _refuse)
    _write(sink, 2, 1)
    monkeypatch.undo()
    _write(sink, 3, 1)
    sink.close(True)
    assert _frames(target) == [0, 3]
    told = capsys.readouterr().err
    assert "No space left on device" in told
    assert "takes lines again; 2 were lost" in told


def _refuse(sink):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("place", ["folder", "file/out.jsonl"])
def test_a_place_that_cannot_be_written_is_told_at_the_start(tmp_path, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        RotatingJsonLinesSink(tmp_path / place, 10**6, 1)
