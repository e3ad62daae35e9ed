"""bench --minutes, with its process."""

from __future__ import annotations

import json

import pytest

from benchmarks.sustained.report import read_sustained
from benchmarks.sustained.run import window_seconds
from tests.benchmarks.schemas import errors_of, unlike

SHORT = ("--minutes", 0.005, "--warmup", 1, "--threads", 1)


def test_a_run_writes_its_report_and_its_page(bench, bundle_path, tmp_path):
    path, page = tmp_path / "run.json", tmp_path / "run.html"
    ending = bench("--bundle", bundle_path, *SHORT, "--json", path, "--html", page)
    assert ending.code == 0, ending.err
    report = read_sustained(path)
    assert report.configuration.name == "onnx int8"
    assert report.seconds >= 0.3
    assert report.verdict.sentences[0] in ending.out
    assert "<svg" in page.read_text()
    assert str(tmp_path) not in path.read_text()


def test_a_meter_gives_the_energy_of_a_frame(bench, bundle_path, tmp_path):
    meter, path = tmp_path / "watts", tmp_path / "run.json"
    meter.write_text("4.5")
    ending = bench(
        "--bundle", bundle_path, *SHORT, "--rate", 200, "--saliency", "cam", "--meter", meter,
        "--battery-wh", 9, "--json", path,
    )  # fmt: skip
    assert ending.code == 0, ending.err
    report = read_sustained(path)
    assert report.energy.watts == 4.5
    assert report.energy.battery_hours == 2.0
    assert report.energy.joules_per_frame == pytest.approx(4.5 / report.fps)
    assert report.age_ms["p50"] > 0
    record = json.loads(path.read_bytes())
    assert errors_of(record, "sustained-report") == []
    assert unlike(record, "sustained-report") == set()


def test_strict_wants_a_run_that_is_long_enough(bench, bundle_path):
    ending = bench("--bundle", bundle_path, *SHORT, "--strict")
    assert ending.code == 8
    assert "Too short" in ending.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--rate", 25), 2, "give --minutes"),
        ((*SHORT, "--rate", 25, "--camera", "0"), 2, "--rate or --camera"),
        ((*SHORT, "--engine", "onnx", "--engine", "litert"), 2, "one --engine"),
        ((*SHORT, "--threads", 2), 2, "one --threads"),
        ((*SHORT, "--meter", "missing"), 6, "missing gives no power"),
        ((*SHORT, "--camera", "99"), 6, "/dev/video99"),
    ],
)
def test_wrong_usage_ends_with_its_code(bench, bundle_path, arguments, code, says):
    ending = bench("--bundle", bundle_path, *arguments)
    assert ending.code == code, ending.err
    assert says in ending.err
    assert "Traceback" not in ending.err


@pytest.mark.parametrize(("seconds", "length"), [(0.3, 0.03), (60, 1), (240, 2), (3600, 5)])
def test_windows_are_long_enough_to_read_a_board_in(seconds, length):
    assert window_seconds(seconds) == pytest.approx(length)
