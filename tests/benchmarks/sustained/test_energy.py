"""What a frame costs in energy."""

from __future__ import annotations

import pytest

from benchmarks.absent import Absent
from benchmarks.sustained.energy import energy_of


def test_power_and_rate_give_the_energy_of_a_frame_and_the_battery():
    energy = energy_of([6.0, 8.0], idle_watts=3.0, fps=20.0, battery_wh=35.0)
    assert energy.watts == 7.0
    assert energy.joules_per_frame == 0.35
    assert energy.joules_above_idle == 0.2
    assert energy.battery_hours == 5.0


def test_a_reading_that_failed_does_not_count_as_none():
    energy = energy_of([6.0, Absent("once")], Absent("no"), 10.0, Absent("none given"))
    assert energy.watts == pytest.approx(6.0)
    assert energy.joules_above_idle == Absent("no")
    assert energy.battery_hours == Absent("none given")


def test_without_a_meter_everything_is_absent_with_its_reason():
    energy = energy_of([Absent("no meter")] * 3, Absent("no meter"), 10.0, 35.0)
    assert set(vars(energy).values()) == {Absent("no meter")}
