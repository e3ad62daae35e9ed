"""bench profile, with its processes."""

from __future__ import annotations

import json
import os

from benchmarks.profile.report import ProfileReport
from tests.benchmarks.schemas import errors_of, unlike


def test_int8_and_float_are_profiled_in_both_engines(bench, bundle_path, tmp_path):
    path = tmp_path / "profile.json"
    ending = bench("profile", bundle_path, "--frames", 6, "--threads", 1, "--json", path)
    assert ending.code == 0, ending.err
    record = json.loads(path.read_bytes())
    report = ProfileReport.from_json(record)
    assert report.to_json() == record
    assert errors_of(record, "profile-report") == []
    assert unlike(record, "profile-report") == set()
    assert errors_of({**record, "profiles": [{}]}, "profile-report")
    profiles = {profile.configuration.name: profile for profile in report.profiles}
    assert set(profiles) == {"onnx int8", "onnx float32", "litert int8"}
    assert all(profile.operators.ms > 0 for profile in profiles.values())
    assert profiles["onnx int8"].advice[0] in ending.out
    assert "no float graph here" in profiles["litert int8"].advice[0]
    assert profiles["onnx float32"].advice == ()
    assert str(tmp_path) not in path.read_text()


def test_more_threads_are_held_against_one(bench, bundle_path):
    threads = len(os.sched_getaffinity(0)) + 1
    ending = bench(
        "profile",
        bundle_path,
        "--engine",
        "onnx",
        "--frames",
        3,
        "--threads",
        threads,
        "--json",
        "-",
    )
    assert ending.code == 0, ending.err
    advice = json.loads(ending.out)["profiles"][0]["advice"]
    assert any(f"{threads} threads share" in sentence for sentence in advice)


def test_a_map_is_profiled_where_it_is_asked_for(bench, bundle_path):
    ending = bench(
        "profile", bundle_path, "--engine", "litert", "--saliency", "cam", "--frames", 3,
        "--threads", 1,
    )  # fmt: skip
    assert ending.code == 0, ending.err
    assert "litert int8 cam: median" in ending.out
    assert "AVERAGE_POOL_2D" in ending.out
