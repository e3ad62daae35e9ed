"""What a process takes, read from outside."""

from __future__ import annotations

import os

from benchmarks.absent import Absent
from benchmarks.sensors import ProcessSensors, Usage
from benchmarks.sensors import processes as module

TICKS = os.sysconf("SC_CLK_TCK")


def write(proc, own_seconds, busy_seconds, idle_seconds):
    """Write the kernel's files as they are after so many seconds."""
    folder = proc / "7"
    folder.mkdir(exist_ok=True)
    # A process's name may hold anything, spaces and parentheses too.
    fields = ["S", *["0"] * 10, str(own_seconds * TICKS), "0"]
    (folder / "stat").write_text(f"7 (a ) b) {' '.join(fields)} 0 0")
    (folder / "status").write_text("VmRSS:\t  2048 kB\n")
    (folder / "smaps_rollup").write_text("Rss:  2048 kB\nPss:  1024 kB\n")
    (proc / "stat").write_text(
        f"cpu {busy_seconds * TICKS} 0 0 {idle_seconds * TICKS} 0 0 0 0 0 0\n"
    )


def test_time_is_shared_between_the_process_and_the_others(tmp_path, monkeypatch):
    clock = iter([100.0, 110.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    sensors = ProcessSensors(7, tmp_path)
    write(tmp_path, own_seconds=1, busy_seconds=50, idle_seconds=10)
    assert isinstance(sensors.read().processors, Absent)
    write(tmp_path, own_seconds=9, busy_seconds=65, idle_seconds=90)
    usage = sensors.read()
    assert (usage.processors, usage.other_processors) == (0.8, 0.7)
    assert (usage.resident_bytes, usage.proportional_bytes) == (2 << 20, 1 << 20)


def test_a_process_that_has_gone_is_absent(tmp_path):
    sensors = ProcessSensors(7, tmp_path)
    for _ in range(2):
        assert all(isinstance(value, Absent) for value in vars(sensors.read()).values())


def test_this_process_is_read_and_survives_its_json():
    usage = ProcessSensors(os.getpid()).read()
    assert isinstance(usage.resident_bytes, int)
    assert Usage.from_json(usage.to_json()) == usage
