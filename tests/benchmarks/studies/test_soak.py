"""The soak: its verdict, and a short one of a real process."""

from __future__ import annotations

import json

import pytest

from benchmarks.studies import soak
from edge_runtime.errors import GateError
from tests.requirements import require_module


def _samples(megabytes, descriptors=12, threads=5):
    counts = [descriptors] * len(megabytes) if isinstance(descriptors, int) else descriptors
    return [
        soak.Sample(1000 * index, int(1e6 * memory), count, threads)
        for index, (memory, count) in enumerate(zip(megabytes, counts, strict=True), 1)
    ]


def test_the_slope_is_that_of_the_samples_after_the_warm_up():
    warm_up = [50 + 10 * index for index in range(10)]
    verdict = soak.judge(_samples(warm_up + [200 + 0.005 * index for index in range(21)]))
    assert verdict.slope_mb == pytest.approx(0.5)
    assert verdict.failures == []


@pytest.mark.parametrize(
    ("samples", "phrase"),
    [
        (_samples([100 + 0.02 * index for index in range(30)]), "memory grows by 2.00 MB"),
        (_samples([100] * 30, [12] * 18 + [13] * 12), "descriptors grow from 12 to 13"),
    ],
    ids=["memory", "descriptors"],
)
def test_growth_is_a_failure_in_words(samples, phrase):
    assert phrase in soak.judge(samples).failures[0]


def test_what_a_visit_opens_for_a_moment_is_no_growth():
    assert soak.judge(_samples([100] * 30, [12] * 25 + [14, 12, 15, 13, 12])).failures == []


def test_too_few_samples_are_no_verdict():
    with pytest.raises(GateError, match="too few"):
        soak.judge(_samples([100] * 3))


def test_a_real_process_is_visited_and_ended(toy_bundle, tmp_path, monkeypatch, capsys):
    require_module("uvicorn", "web")
    monkeypatch.setattr(soak, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(soak, "_FEWEST_SAMPLES", 2)
    monkeypatch.setattr(soak, "_MOST_MB", 1e9)  # the first frames allocate: nothing is judged here
    monkeypatch.setattr(soak.Verdict, "failures", [])
    soak.soak.main(
        [
            *(
                "--bundle",
                str(toy_bundle),
                "--frames",
                "1500",
                "--json",
                str(tmp_path / "soak.json"),
            ),
            *("--source", "synthetic:?width=64&height=48"),
        ],
        standalone_mode=False,
    )
    record = json.loads((tmp_path / "soak.json").read_text())
    assert record["samples"][-1]["frames"] >= 1500
    assert "MB per 100000 frames" in capsys.readouterr().out
