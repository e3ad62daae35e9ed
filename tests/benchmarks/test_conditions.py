"""What is said about the machine, from files of machines that are not here."""

from __future__ import annotations

import json

import pytest

from benchmarks.absent import Absent
from benchmarks.conditions import conditions, cpu_flags, cpu_model

X86 = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz
flags\t\t: fpu vme avx2 avx512f avx512_vnni hypervisor

processor\t: 1
model name\t: another
flags\t\t: fpu
"""
PI5 = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd0b

Revision\t: c04170
Serial\t\t: 0123456789abcdef
Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""


@pytest.fixture
def cpuinfo(tmp_path):
    """Function that writes a cpuinfo."""

    def write(text):
        path = tmp_path / "proc" / "cpuinfo"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_an_x86_processor_has_a_name_and_its_relevant_flags(cpuinfo):
    path = cpuinfo(X86)
    assert cpu_model(path) == "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz"
    assert cpu_flags(path) == ["avx2", "avx512f", "avx512_vnni", "hypervisor"]


def test_an_arm_processor_has_part_numbers_and_its_dot_product(cpuinfo):
    path = cpuinfo(PI5)
    assert cpu_model(path) == "Arm implementer 0x41, part 0xd0b"
    assert cpu_flags(path) == ["asimd", "asimdhp", "asimddp", "fphp"]


def test_a_cpuinfo_that_says_nothing_is_absent_with_the_reason(cpuinfo, tmp_path):
    path = cpuinfo("processor: 0\n")
    assert cpu_model(path) == Absent("cpuinfo names no processor")
    assert cpu_flags(path) == Absent("cpuinfo lists no processor features")
    assert isinstance(cpu_model(tmp_path / "missing"), Absent)


def test_a_board_without_any_of_the_files_gets_reasons_and_no_zeros(tmp_path):
    machine = conditions(tmp_path)["machine"]
    for name in (
        "board", "cpu_model", "cpu_flags", "memory_bytes", "governor", "max_frequency_khz",
        "load_average",
    ):  # fmt: skip
        assert set(machine[name]) == {"absent"}, name


def test_the_files_of_a_board_are_read(tmp_path, cpuinfo):
    cpuinfo(PI5)
    for name, text in {
        "proc/meminfo": "MemTotal:        8245440 kB\nMemFree: 1 kB\n",
        "proc/loadavg": "0.52 0.58 0.59 1/900 4321\n",
        "sys/firmware/devicetree/base/model": "Raspberry Pi 5 Model B Rev 1.0\0",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "2400000\n",
        "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = conditions(tmp_path)
    assert found["machine"]["board"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert found["machine"]["memory_bytes"] == 8245440 * 1024
    assert found["machine"]["load_average"] == 0.52
    assert found["machine"]["governor"] == "ondemand"
    assert found["machine"]["max_frequency_khz"] == 2400000
    assert found["software"]["distribution"] == "Debian GNU/Linux 12 (bookworm)"
    assert "0123456789abcdef" not in json.dumps(found)  # the serial number


def test_this_machine_can_be_described():
    found = conditions()
    assert found["machine"]["processors_usable"] >= 1
    assert json.loads(json.dumps(found)) == found
