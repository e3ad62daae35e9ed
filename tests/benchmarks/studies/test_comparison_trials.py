"""Trials on made samples, of which it is known what is in them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.studies.comparison_trials import run_trials


def recorded(between, processes=24, frames=30):
    """Two engines whose processes differ, the frames of one hardly."""
    random = np.random.default_rng(0)
    return {
        name: [
            level * np.exp(between * random.standard_normal() + 0.01 * random.random(frames))
            for _ in range(processes)
        ]
        for name, level in (("onnx int8", 5.0), ("litert int8", 4.0))
    }


def test_a_slow_down_among_even_processes_is_found_and_nothing_else():
    outcome = run_trials(recorded(0.01), "onnx int8", 1.1, rounds=6, trials=8, seed=0)
    assert (outcome.found, outcome.false) == (8, 0)


def test_processes_that_differ_fool_who_counts_frames():
    outcome = run_trials(recorded(0.2), "onnx int8", 1.1, rounds=6, trials=8, seed=0)
    assert outcome.found < 8
    assert outcome.false < outcome.blind == 8


def test_two_sets_need_twice_as_many_processes():
    with pytest.raises(ValueError, match="too few"):
        run_trials(recorded(0.01), "onnx int8", 1.1, rounds=13, trials=1, seed=0)
