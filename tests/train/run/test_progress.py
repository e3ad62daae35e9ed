"""Lines for logs: how far a piece of work is, and how long it and the run still take."""

from __future__ import annotations

import pytest

import train.run.progress
from train.run.progress import plain_reporter


def test_a_line_says_what_is_left_of_the_piece_and_of_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter([0.0, 0.0, 10.0, 40.0])
    monkeypatch.setattr(train.run.progress.time, "monotonic", lambda: next(seconds))
    with plain_reporter() as reporter:
        reporter.start("epoch 1/6, float", 80)
        reporter.advance(10, "loss 0.5")
        reporter.advance(40, "loss 0.4", run_left=7500.0)
    assert (
        capsys.readouterr().out
        == "epoch 1/6, float 40/80 loss 0.4  40 s left, 2 h 05 min to the run's end\n"
    )


def test_a_run_does_not_end_before_the_piece_that_is_running(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter([0.0, 0.0, 60.0])
    monkeypatch.setattr(train.run.progress.time, "monotonic", lambda: next(seconds))
    with plain_reporter() as reporter:
        reporter.start("epoch 6/6, quantised", 80)
        reporter.advance(8, "loss 0.5", run_left=300.0)
    assert capsys.readouterr().out.endswith("  9 min left, 9 min to the run's end\n")
