"""What a board tells at one moment."""

from __future__ import annotations

from benchmarks.absent import Absent
from benchmarks.sensors import BoardSensors, Reading

ZONE = "sys/class/thermal/thermal_zone0/temp"
CLOCKS = {
    f"sys/devices/system/cpu/cpu{number}/cpufreq/scaling_cur_freq": str(value)
    for number, value in enumerate((1_500_000, 1_800_000))
}


def test_a_raspberry_pi_tells_heat_clock_and_throttling(board):
    firmware = {
        "measure_clock arm": "frequency(0)=1800404352",
        "get_throttled": "throttled=0x50004",
    }
    reading = BoardSensors(board({ZONE: "81250", **CLOCKS}, firmware)).read()
    assert reading.temperature_celsius == 81.25
    assert reading.frequency_mhz == 1800.404352  # the firmware's word, not the kernel's
    assert reading.throttled == ("throttled",)  # what was so earlier does not count now


def test_another_board_tells_what_its_kernel_knows(board):
    reading = BoardSensors(board({ZONE: "45000", **CLOCKS})).read()
    assert reading.frequency_mhz == 1650
    assert isinstance(reading.throttled, Absent)
    assert "Raspberry" in reading.throttled.reason


def test_what_a_machine_does_not_tell_is_absent_and_never_zero(board):
    reading = BoardSensors(board()).read()
    assert all(isinstance(value, Absent) for value in vars(reading).values())


def test_a_clock_of_zero_is_no_clock(board):
    silent = BoardSensors(board(dict.fromkeys(CLOCKS, "0"), {"measure_clock arm": "x=0"}))
    assert isinstance(silent.read().frequency_mhz, Absent)


def test_a_reading_survives_its_json():
    reading = Reading(61.5, Absent("no clock"), ("too hot",), 4.2)
    assert Reading.from_json(reading.to_json()) == reading
