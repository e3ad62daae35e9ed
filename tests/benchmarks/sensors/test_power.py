"""Power by whatever can measure it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.absent import Absent
from benchmarks.sensors.power import PowerMeter, find_power, rails_watts
from edge_runtime.errors import SourceError

RAILS = """\
 3V7_WL_SW_A current(0)=0.10000000A
   VDD_CORE_A current(7)=1.50000000A
 3V7_WL_SW_V volt(8)=3.70000000V
   VDD_CORE_V volt(15)=0.80000000V
     EXT5V_V volt(24)=5.15000000V
"""
MONITOR = {
    "sys/class/hwmon/hwmon2/power1_input": "4250000",
    "sys/class/hwmon/hwmon2/name": "ina219",
}


def test_rails_are_added_and_one_without_its_current_is_not():
    assert rails_watts(RAILS) == pytest.approx(0.1 * 3.7 + 1.5 * 0.8)


@given(st.text())
def test_any_text_has_rails_or_none(text):
    found = rails_watts(text)
    assert found is None or found >= 0


def test_a_raspberry_pi_5_measures_its_rails(board):
    meter = find_power(board(MONITOR, {"pmic_read_adc": RAILS}))
    assert isinstance(meter, PowerMeter)
    assert "Raspberry Pi 5" in meter.name
    assert meter.read() == pytest.approx(1.57)


def test_a_monitor_of_the_kernel_is_named(board):
    meter = find_power(board(MONITOR))
    assert isinstance(meter, PowerMeter)
    assert (meter.name, meter.read()) == ("kernel's monitor ina219", 4.25)


def test_a_file_that_was_named_comes_first(board, tmp_path):
    file = tmp_path / "watts"
    file.write_text("5.125\n")
    meter = find_power(board(MONITOR), file)
    assert isinstance(meter, PowerMeter)
    assert meter.read() == 5.125
    file.write_text("")
    assert isinstance(meter.read(), Absent)  # for once; the run goes on


def test_a_named_file_without_a_number_is_refused(board, tmp_path):
    with pytest.raises(SourceError, match="gives no power"):
        find_power(board(), tmp_path / "missing")


@pytest.mark.parametrize("microwatts", ["0", "-5", "broken"])
def test_no_power_at_all_is_a_meter_that_does_not_measure(board, microwatts):
    name = next(iter(MONITOR))
    assert isinstance(find_power(board({name: microwatts})), Absent)
