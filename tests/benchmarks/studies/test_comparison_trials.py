"""Trials on made samples, of which it is known what is in them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.studies.comparison_trials import Counts, Recorded, run_trials


def recorded(between, processes=24, frames=30, probes=False):
    """Two engines whose processes differ, the frames of one hardly; probes share the luck."""
    random = np.random.default_rng(0)

    def found(level):
        luck = between * random.standard_normal(processes)
        samples = [level * np.exp(one + 0.01 * random.random(frames)) for one in luck]
        shared = [np.exp(one + 0.01 * random.random(frames)) for one in luck]
        return Recorded(samples, shared if probes else ())

    return {name: found(level) for name, level in (("onnx int8", 5.0), ("litert int8", 4.0))}


def test_a_slow_down_among_even_processes_is_found_and_nothing_else():
    outcome = run_trials(recorded(0.01), "onnx int8", 1.1, rounds=6, trials=8, seed=0)
    assert outcome.unadjusted == Counts(8, 0)
    assert outcome.adjusted is None


def test_processes_that_differ_fool_who_counts_frames():
    outcome = run_trials(recorded(0.2), "onnx int8", 1.1, rounds=6, trials=8, seed=0)
    assert outcome.unadjusted.found < 8
    assert outcome.unadjusted.false < outcome.blind == 8


def test_probes_find_what_the_luck_of_processes_hides():
    found = recorded(0.2, probes=True)
    outcome = run_trials(found, "onnx int8", 1.1, rounds=6, trials=8, seed=0)
    assert outcome.adjusted == Counts(8, 0)
    assert outcome.unadjusted.found < 8


def test_two_sets_need_twice_as_many_processes():
    with pytest.raises(ValueError, match="too few"):
        run_trials(recorded(0.01), "onnx int8", 1.1, rounds=13, trials=1, seed=0)
