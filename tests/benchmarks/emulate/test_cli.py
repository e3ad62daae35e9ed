"""`bench emulate` as a user meets it; what it counts is tested in tests/arm64."""

from __future__ import annotations

import pytest


def test_bench_lists_it_and_it_explains_itself(bench):
    assert "emulate" in bench("--help").out
    assert "Cortex-A72" in bench("emulate", "--help").out


def test_bench_without_it_is_as_before(bench):
    ended = bench()
    assert ended.code == 2
    assert "--bundle" in ended.err


def test_missing_programs_are_named_with_their_packages(bench, bundle_path, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = bench("emulate", "--bundle", bundle_path)
    assert ended.code == 5
    assert "sudo apt-get install qemu-user mmdebstrap gcc libc6-dev." in ended.err


@pytest.mark.parametrize(
    ("option", "value", "choices"),
    [
        ("--cpu", "cortex-a53", "cortex-a72, cortex-a76"),
        ("--engine", "onnx,torch", "onnx, litert, tflite-runtime"),
        ("--saliency", "occlusion", "none, cam, gradient-early, gradient"),
    ],
)
def test_an_unknown_name_is_refused_with_the_choices(bench, bundle_path, option, value, choices):
    ended = bench("emulate", "--bundle", bundle_path, option, value)
    assert ended.code == 2
    assert choices in ended.err


def test_an_earlier_report_is_kept(bench, bundle_path, tmp_path):
    path = tmp_path / "counts.json"
    path.write_text("mine")
    ended = bench("emulate", "--bundle", bundle_path, "--json", path)
    assert ended.code == 7
    assert path.read_text() == "mine"
