"""Memory from /proc, or the reason why there is none."""

from __future__ import annotations

import pytest

from benchmarks.absent import Absent
from benchmarks.sensors.process_memory import peak_memory, resident_memory
from tests.requirements import require


def test_fields_are_in_bytes(tmp_path):
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmHWM:\t   2048 kB\nVmRSS:\t    1024 kB\n")
    assert resident_memory(status) == 1 << 20
    assert peak_memory(status) == 2 << 20


@pytest.mark.parametrize("text", ["Name:\tpython\n", "VmRSS:\t  many kB\n", "VmRSS:\t 3 MB\n"])
def test_a_field_that_is_missing_or_odd_is_absent(tmp_path, text):
    status = tmp_path / "status"
    status.write_text(text)
    assert resident_memory(status) == Absent(f"{status} has no field VmRSS")


def test_a_system_without_the_file_has_no_memory_figure(tmp_path):
    assert isinstance(resident_memory(tmp_path / "missing"), Absent)


def test_this_process_has_memory_and_a_peak_above_it():
    resident = resident_memory()
    require("/proc/self/status", not isinstance(resident, Absent), "run on Linux")
    assert 0 < resident <= peak_memory()
