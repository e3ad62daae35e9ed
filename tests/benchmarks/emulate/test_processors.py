"""What an emulated program finds out about its processor."""

from __future__ import annotations

import pytest

from benchmarks.conditions import cpu_flags, cpu_model
from benchmarks.emulate.processors import PROCESSORS


@pytest.mark.parametrize(
    ("name", "part", "dot_product"), [("cortex-a72", "0xd08", False), ("cortex-a76", "0xd0b", True)]
)
def test_linux_tells_the_core_and_its_dot_product(tmp_path, name, part, dot_product):
    path = tmp_path / "cpuinfo"
    path.write_text(PROCESSORS[name].system_files()["proc/cpuinfo"])
    assert cpu_model(path) == f"Arm implementer 0x41, part {part}"
    assert ("asimddp" in cpu_flags(path)) is dot_product


@pytest.mark.parametrize("processor", PROCESSORS.values(), ids=list(PROCESSORS))
def test_all_files_agree_on_four_cores(processor):
    files = processor.system_files()
    assert files["proc/cpuinfo"].count("processor\t:") == 4
    assert files["sys/devices/system/cpu/possible"] == "0-3\n"
    assert sum(path.endswith("topology/core_id") for path in files) == 4
