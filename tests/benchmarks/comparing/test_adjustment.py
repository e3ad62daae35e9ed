"""Comparisons without the machine's own speed, on processes that were made."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.absent import Absent
from benchmarks.comparing.adjustment import adjust
from benchmarks.comparing.comparison import compare_rounds, with_verdicts

TEN_PER_CENT = math.log(1.1)


def made_set(random, count=6, **changes):
    """Latencies and probes of processes that share their luck, one frame each.

    All standard deviations and shifts are of the logarithm: ``luck`` of a process, of which the
    latency has ``slope``, what is its ``own``, what is the probe's own (``noise``), what the set is
    slower by in its latencies (``effect``) and what the whole machine is (``machine``).
    """
    of = {"luck": 0.1, "slope": 0.6, "own": 0.015, "noise": 0.01, "effect": 0.0, "machine": 0.0}
    of.update(changes)
    luck = of["luck"] * random.standard_normal(count)
    own = of["own"] * random.standard_normal(count)
    noise = of["noise"] * random.standard_normal(count)
    latencies = of["slope"] * luck + own + of["effect"] + of["machine"]
    probes = luck + noise + of["machine"]
    return [[5 * math.exp(value)] for value in latencies], [[math.exp(v)] for v in probes]


def trials(count=100, processes=6, shared=None, **new):
    """Comparisons of sets made with the same ``shared`` and some ``new`` properties."""
    random = np.random.default_rng(1)
    shared = shared or {}
    return [
        adjust(
            made_set(random, processes, **shared), made_set(random, processes, **shared, **new)
        ).comparison
        for _ in range(count)
    ]


def verdicts(comparisons):
    return [with_verdicts([found])[0].verdict for found in comparisons]


def test_an_example_worked_out_by_hand():
    # Within the sets latencies are the square of the probe, so the slope is 2; the new set's
    # probes are 1.01 of the base's and its latencies 1.0201 times 1.2.
    probes = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5]
    base = [[p**2] for p in probes], [[p] for p in probes]
    new = [[1.2 * (1.01 * p) ** 2] for p in probes], [[1.01 * p] for p in probes]
    found = adjust(base, new)
    assert found.slope == pytest.approx(2)
    assert found.machine == pytest.approx(1.01)
    assert found.comparison.ratio == pytest.approx(1.2)
    assert found.comparison.low == pytest.approx(1.2) == found.comparison.high


def test_the_interval_is_that_of_the_analysis_of_covariance():
    """Against the regression with a column for the set, where the probes' means agree."""
    random = np.random.default_rng(2)
    (base_y, base_x), (new_y, new_x) = (made_set(random, 12) for _ in range(2))
    move = np.exp(np.log(new_x).mean() - np.log(base_x).mean())
    new_x = [[value / move] for (value,) in new_x]
    y, x = np.log([*base_y, *new_y])[:, 0], np.log([*base_x, *new_x])[:, 0]
    columns = np.stack([np.ones(24), np.repeat([0.0, 1.0], 12), x], axis=1)
    beta, (squares,), *_ = np.linalg.lstsq(columns, y, rcond=None)
    error = math.sqrt(squares / 21 * np.linalg.inv(columns.T @ columns)[1, 1])
    found = adjust((base_y, base_x), (new_y, new_x)).comparison
    assert math.log(found.ratio) == pytest.approx(beta[1])
    half = math.log(found.high / found.low) / 2
    assert half == pytest.approx(2.0796 * error, rel=0.05)  # Student's, 21 degrees, 97.5 %


def test_a_slow_down_of_ten_per_cent_is_found_where_processes_differ_by_as_much():
    shared = {"luck": 0.15, "slope": 0.7}
    found = trials(shared=shared, effect=TEN_PER_CENT)
    assert verdicts(found).count("slower") >= 0.95 * len(found)
    assert np.median([one.ratio for one in found]) == pytest.approx(1.1, rel=0.01)
    random = np.random.default_rng(1)
    raw = [
        compare_rounds(
            made_set(random, **shared)[0], made_set(random, effect=TEN_PER_CENT, **shared)[0]
        )
        for _ in range(12)
    ]
    assert verdicts(raw).count("slower") < 6


@pytest.mark.parametrize(
    "shared",
    [
        {},
        {"slope": 0.0},
        {"slope": 1.2},
        {"luck": 0.0, "own": 0.02, "noise": 0.0001},
        {"luck": 0.0, "own": 0.05, "noise": 0.05},
        {"luck": 0.01, "own": 0.003, "noise": 0.003},
    ],
    ids=["usual", "another luck", "steep", "steady probe", "noise alone", "quiet"],
)
def test_false_findings_are_one_in_twenty_at_most_and_intervals_cover_the_truth(shared):
    found = trials(shared=shared)
    # Two standard deviations of the count beyond.
    assert sum(one.low <= 1 <= one.high for one in found) >= (0.95 - 0.044) * len(found)
    assert len(found) - verdicts(found).count("no evidence") <= (0.05 + 0.044) * len(found)


def test_outliers_cost_evidence_and_make_none():
    random = np.random.default_rng(3)
    found = []
    for _ in range(100):
        base, new = made_set(random), made_set(random)
        base[0][0][0] *= 1.5 if random.random() < 0.5 else 1
        new[0][0][0] *= 1.5 if random.random() < 0.5 else 1
        found.append(adjust(base, new).comparison)
    assert verdicts(found).count("no evidence") >= 95


@pytest.mark.parametrize("processes", [6, 20])
def test_a_throttled_machine_is_not_taken_for_slower_software(processes):
    """On a quiet board the probe hardly varies, and the slope within says nothing of a throttle."""
    quiet = {"luck": 0.002, "own": 0.003, "noise": 0.003}
    found = trials(60, processes, quiet, machine=0.12)
    assert set(verdicts(found)) == {"no evidence"}
    random = np.random.default_rng(4)
    sets = made_set(random, **quiet), made_set(random, **quiet, machine=0.12)
    assert adjust(*sets).machine == pytest.approx(math.exp(0.12), rel=0.01)
    assert verdicts([compare_rounds(sets[0][0], sets[1][0])]) == ["slower"]
    both = trials(60, processes, quiet, machine=0.12, effect=0.25)
    assert verdicts(both).count("slower") >= 54


def test_a_probe_that_never_varies_takes_nothing_out():
    base, new = [[5.0 + i] for i in range(6)], [[6.0 + i] for i in range(6)]
    still = [[1.0]] * 6
    found = adjust((base, still), (new, still))
    assert (found.machine, found.slope) == (1, 0)
    assert found.comparison.ratio == pytest.approx(compare_rounds(base, new).ratio)
    assert found.comparison.low < found.comparison.ratio < found.comparison.high
    slower = adjust((base, still), (new, [[1.2]] * 6)).comparison
    assert slower.low < found.comparison.low / 1.15


def test_few_processes_get_a_ratio_and_no_verdict():
    random = np.random.default_rng(5)
    found = adjust(made_set(random, 5), made_set(random, 8)).comparison
    assert found.p_value == Absent("a verdict needs 6 rounds of each, there are 5")
    assert found.replicates.size == 0


def test_the_percentile_is_of_latencies_and_probes():
    frames = [*[1.0] * 5, *[3.0] * 5]
    base = [frames] * 6, [frames] * 6
    new = [[2 * value for value in frames]] * 6, [[1.0] * 5 + [6.0] * 5] * 6
    assert adjust(base, new, 10).machine == pytest.approx(1)
    assert adjust(base, new, 90).machine == pytest.approx(2)
    assert adjust(base, new, 90).comparison.ratio == pytest.approx(2)


def test_every_process_needs_its_probe():
    random = np.random.default_rng(6)
    latencies, probes = made_set(random)
    with pytest.raises(ValueError, match="every process"):
        adjust((latencies, probes[1:]), (latencies, probes))
