"""What a board tells of itself, from a copy of the kernel's files."""

from __future__ import annotations

from edge_runtime.board import temperature_celsius


def test_the_hottest_plausible_zone_counts(tmp_path):
    for name, content in (("0", "48250\n"), ("1", "61000"), ("2", "-274000"), ("3", "broken")):
        zone = tmp_path / f"thermal_zone{name}"
        zone.mkdir()
        (zone / "temp").write_text(content)
    (tmp_path / "thermal_zone4").mkdir()
    assert temperature_celsius(tmp_path) == 61.0


def test_a_machine_without_zones_has_no_temperature(tmp_path):
    assert temperature_celsius(tmp_path) is None
