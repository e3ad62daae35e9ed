"""The doctor never crashes, whatever system it looks at."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.doctor import CHECKS, Finding, examine
from tests.edge_runtime.doctor.conftest import FakeSystem

READ = (
    "proc/device-tree/model",
    "proc/cpuinfo",
    "proc/meminfo",
    "etc/os-release",
    "sys/class/dmi/id/product_name",
    "sys/class/thermal/thermal_zone0/temp",
    "sys/class/video4linux/video0/name",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "sys/devices/platform/soc/soc:firmware/get_throttled",
    "run/systemd/timesync/synchronized",
    "dev/video0",
    "state/selection.json",
    "state/models",
)
LIKELY = st.sampled_from(
    (
        b"Raspberry Pi 5\0",
        b"processor\t: 0\nFeatures\t: asimddp",
        b"MemTotal: kB\nMemAvailable: 1e999 kB",
        b"MemTotal: -1 kB\nMemAvailable: nan kB",
        b"0x",
        b"50000",
        b"-273150",
        b'PRETTY_NAME="',
        b'{"version": 1, "good": null, "starts": 0, "previous": [], "failed": {"x": 1}}',
    )
)
FOLDER, PIPE, LOOP = "folder", "pipe", "loop"
CONTENTS = st.one_of(st.binary(max_size=200), LIKELY, st.sampled_from((FOLDER, PIPE, LOOP)))
ANSWERS = st.none() | st.tuples(
    st.integers(-70, 255), st.text(max_size=50) | st.just("throttled=0xffffffff"), st.text()
)


def _make(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content == FOLDER:
            path.mkdir()
        elif content == PIPE:
            os.mkfifo(path)
        elif content == LOOP:
            path.symlink_to(path)
        else:
            path.write_bytes(content)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    files=st.dictionaries(st.sampled_from(READ), CONTENTS),
    answer=ANSWERS,
    machine=st.text(max_size=8),
    year=st.integers(0, 9999),
)
def test_no_check_fails_on_garbage(check, files, answer, machine, year):
    root = Path(tempfile.mkdtemp())
    try:
        _make(root, files)

        class Answering(FakeSystem):
            def run(self, command, seconds=0, **changes):
                return answer

        found = check(Answering(root=root, machine=machine, state=root / "state", year=year))
    finally:
        shutil.rmtree(root)
    assert all(isinstance(finding, Finding) for finding in found)
    assert json.loads(json.dumps([finding.to_json() for finding in found])) is not None


def test_a_system_without_anything_is_examined(system):
    found = list(examine(system(machine="")))
    assert {"board", "processor", "memory", "clock", "disk", "models"} <= {
        finding.name for finding in found
    }


def test_a_check_that_fails_is_a_finding(system):
    def broken_check(system):
        raise ZeroDivisionError("by zero")

    (finding,) = examine(system(), (broken_check,))
    assert (finding.name, finding.status) == ("broken check", "note")
    assert "ZeroDivisionError: by zero" in finding.text


@pytest.mark.parametrize("status", ["note", "warning", "problem"])
def test_a_finding_that_is_not_well_needs_a_remedy(status):
    with pytest.raises(ValueError, match="has no remedy"):
        Finding("memory", status, "too little")
