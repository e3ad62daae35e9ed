"""The comparison with other tools, from a run to its report, on the small CNN."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest

from benchmarks.peers.contestants import CONTESTANTS

_OURS, _STATIC = "saliedge INT8, ONNX Runtime", "ONNX Runtime quantize_static u8s8"


@pytest.fixture(scope="module")
def report(peers_python, run_beside_bundle):
    """The folder of the report of two short pairs, one thread."""
    out = run_beside_bundle.parent / "report"
    ended = subprocess.run(
        [
            *(peers_python, "-m", "benchmarks.peers", run_beside_bundle, "--out", out),
            *("--rounds", "2", "--frames", "1", "--threads", "1"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return out


@pytest.fixture(scope="module")
def network(report):
    """The record of the only network."""
    (found,) = json.loads((report / "peers.json").read_text())["networks"]
    return found


def test_every_contestant_is_measured_or_absent_with_a_reason(network):
    measured = set(network["threads"]["1"])
    assert measured == set(network["file_bytes"]) == set(network["classified_right"])
    assert measured | set(network["absent"]) == {contestant.name for contestant in CONTESTANTS}
    assert set(network["absent"]) == {"ultralytics loop"}
    assert "--ultralytics" in network["absent"]["ultralytics loop"]["absent"]


def test_ours_over_theirs_is_paired_by_round(network):
    timed = network["threads"]["1"]
    ours, theirs = (np.median(timed[name]["ns"], axis=1) for name in (_OURS, _STATIC))
    ratio = timed[_STATIC]["ours_over_theirs"]["p50"]
    assert ratio["rounds"] == pytest.approx(list(ours / theirs))
    assert "ours_over_theirs" not in timed[_OURS]


def test_the_page_names_versions_and_whoever_is_absent(report):
    text = (report / "peers.md").read_text()
    for runtime in ("onnxruntime 1", "ai-edge-litert 2", "torch 2"):
        assert runtime in text
    assert "Absent: ultralytics loop" in text
