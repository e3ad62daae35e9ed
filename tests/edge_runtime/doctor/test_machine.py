"""What the doctor says about board, processor, memory, heat, power and clock."""

from __future__ import annotations

import pytest

from edge_runtime.doctor import machine

CORTEX_A72 = "processor\t: 0\nFeatures\t: fp asimd crc32 cpuid\nprocessor\t: 1\n"
CORTEX_A76 = "processor\t: 0\nFeatures\t: fp asimd crc32 asimddp\n"


def test_the_board_is_named(system):
    files = {
        "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
        "etc/os-release": 'NAME=x\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    }
    (finding,) = machine.board(system(files))
    assert finding.status == "ok"
    assert finding.text == (
        "Raspberry Pi 5 Model B Rev 1.0, Debian GNU/Linux 12 (bookworm), aarch64"
    )


def test_a_32_bit_system_is_a_problem(system):
    (finding,) = machine.board(system(machine="armv7l"))
    assert finding.status == "problem"
    assert "64-bit" in finding.remedy


@pytest.mark.parametrize(
    ("cpuinfo", "status", "text"),
    [
        (CORTEX_A76, "ok", "1 processors with the INT8 dot product"),
        (CORTEX_A72, "note", "2 processors without the INT8 dot product"),
        ("processor : 0\nflags : sse avx512_vnni\n", "ok", "1 processors with the INT8 dot"),
    ],
)
def test_the_dot_product_is_looked_for(system, cpuinfo, status, text):
    (finding,) = machine.processor(system({"proc/cpuinfo": cpuinfo}))
    assert finding.status == status
    assert text in finding.text


def test_a_processor_that_is_held_back_is_a_warning(system):
    governor = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    found = machine.processor(system({"proc/cpuinfo": CORTEX_A76, governor: "powersave\n"}))
    assert [finding.status for finding in found] == ["ok", "warning"]


@pytest.mark.parametrize(("available", "status"), [(900_000, "ok"), (200_000, "warning")])
def test_little_memory_is_a_warning(system, available, status):
    info = f"MemTotal:        948304 kB\nMemFree: 1 kB\nMemAvailable:   {available} kB\n"
    (finding,) = machine.memory(system({"proc/meminfo": info}))
    assert finding.status == status
    assert f"{available / 1024:.0f} of 926 MiB" in finding.text


@pytest.mark.parametrize(("value", "status"), [("51121", "ok"), ("84000", "warning")])
def test_heat_is_a_warning(system, value, status):
    files = {
        "sys/class/thermal/thermal_zone0/temp": "45000\n",
        "sys/class/thermal/thermal_zone1/temp": f"{value}\n",
        "sys/class/thermal/thermal_zone2/temp": "no number",
    }
    (finding,) = machine.temperature(system(files))
    assert finding.status == status
    assert f"{int(value) / 1000:.0f} degrees" in finding.text


@pytest.mark.parametrize(
    ("bits", "status", "text", "remedy"),
    [
        ("0x0", "ok", "neither throttled", ""),
        ("0x50005", "warning", "now: too little voltage, throttled", "power supply"),
        ("0x10000", "warning", "since the start: too little voltage", "power supply"),
        ("0x80008", "warning", "now: too hot", "heat sink"),
    ],
)
def test_the_firmware_tells_of_voltage_and_throttling(system, bits, status, text, remedy):
    answers = {"vcgencmd": (0, f"throttled={bits}", "")}
    (finding,) = machine.power(system(answers=answers))
    assert finding.status == status
    assert text in finding.text
    assert remedy in finding.remedy


def test_the_kernel_is_asked_before_the_firmware_tool(system):
    files = {"sys/devices/platform/soc/soc:firmware/get_throttled": "0\n"}
    answers = {"vcgencmd": (0, "throttled=0x5", "")}
    assert machine.power(system(files, answers=answers))[0].status == "ok"


def test_a_board_without_such_firmware_is_not_judged(system):
    assert machine.power(system()) == []


@pytest.mark.parametrize(
    ("answer", "status"), [("yes", "ok"), ("no", "warning"), ("perhaps", "note")]
)
def test_the_clock_is_synchronised_or_not(system, answer, status):
    (finding,) = machine.clock(system(answers={"timedatectl": (0, answer, "")}))
    assert finding.status == status


def test_without_timedatectl_the_mark_of_timesyncd_counts(system):
    assert machine.clock(system({"run/systemd/timesync/synchronized": ""}))[0].status == "ok"


def test_a_clock_in_the_past_is_a_problem(system):
    assert machine.clock(system(year=1970))[0].status == "problem"
