"""Processor time of a process, in all its threads."""

from __future__ import annotations

from benchmarks.absent import Absent
from benchmarks.sensors.processor_time import processor_seconds


def test_the_times_of_all_threads_are_added(tmp_path):
    for number, nanoseconds in ((1, 2_500_000_000), (2, 500_000_000)):
        task = tmp_path / "task" / str(number)
        task.mkdir(parents=True)
        (task / "schedstat").write_text(f"{nanoseconds} 7 3\n")
    assert processor_seconds(tmp_path) == 3.0


def test_this_process_has_computed():
    before = processor_seconds()
    assert isinstance(before, float)
    while (after := processor_seconds()) == before:  # the kernel counts a few times a second
        sum(range(100_000))
    assert after > before > 0


def test_a_process_that_is_gone_has_no_time(tmp_path):
    assert isinstance(processor_seconds(tmp_path / "nowhere"), Absent)
