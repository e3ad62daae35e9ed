"""What is said of figures that cannot be relied on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.stability import (
    Finding,
    findings_of_machine,
    findings_of_rounds,
    steady_from,
    told,
)


def words(rounds):
    """What is said of one configuration."""
    return " ".join(told({"onnx int8": findings_of_rounds(rounds)}, warmup=20))


@given(st.integers(0, 40), st.floats(1.06, 10))
def test_leading_slow_frames_are_counted_by_windows(slow, factor):
    found = steady_from([factor] * slow + [1.0] * (200 - slow))
    # A window of ten is slow if more than half of it is.
    assert abs(found - slow) <= 5


def test_a_slow_moment_later_is_no_warming_up():
    assert steady_from([1.0] * 50 + [3.0] * 30 + [1.0] * 120) == 0


def test_a_process_that_never_settles_is_unsteady_for_its_first_half():
    assert steady_from([2.0] * 100 + [1.0] * 100) == 100
    # Whatever the second half begins with.
    assert steady_from([2.0] * 110 + [1.0] * 90) == 100
    # Windows of two frames, of which the last would reach beyond the half.
    assert steady_from([2.0] * 25 + [1.0] * 25) == 25


def test_few_frames_are_looked_at_one_by_one():
    assert steady_from([7.0]) == 0
    assert steady_from([3.0, 1.0, 1.0, 1.0]) == 1
    assert steady_from([3.0, 3.0, 1.0, 1.0, 1.0]) == 2


def test_five_per_cent_above_the_level_is_steady():
    assert steady_from([1.05] * 10 + [1.0] * 30) == 0
    assert steady_from([1.051] * 10 + [1.0] * 30) == 10


def test_even_processes_are_stable(make_round):
    assert findings_of_rounds([make_round(*[5.0 + 0.01 * i] * 40) for i in (0, 1, -1) * 3]) == []


def test_frames_that_warm_up_are_told_with_the_option_to_give(make_round):
    rounds = [make_round(*[9.0] * 10, *[5.0] * 90) for _ in range(6)]
    assert "onnx int8 (10 frames): so many timed frames" in words(rounds)
    assert "--warmup 40" in words(rounds)


def test_processes_that_disagree_are_told(make_round):
    rounds = [make_round(*[level] * 20) for level in (5.0, 7.0, 5.1, 7.1, 4.9, 7.0)]
    # Quartiles 5.025 and 7.0 around 6.05.
    assert words(rounds) == (
        "onnx int8 (33%): half of the processes' medians lie so far apart; end other work on the "
        "machine, or give more --rounds."
    )


def test_processes_a_tenth_apart_agree(make_round):
    # Quartiles 9.5 and 10.5 around 10, then 9.49 and 10.5.
    levels = [9.0, 9.5, 10.0, 10.5, 11.0]
    for lower, disagree in ((9.5, False), (9.49, True)):
        rounds = [make_round(level) for level in (9.0, lower, *levels[2:])]
        assert ("lie so far apart" in words(rounds)) == disagree


@pytest.mark.parametrize(
    ("step", "word"),
    [(0.03, "(5%): became so much slower"), (-0.03, "(6%): became so much faster")],
)
def test_a_trend_over_the_processes_is_told(make_round, step, word):
    rounds = [make_round(*[5.0 + step * index] * 20) for index in range(10)]
    assert word in words(rounds)


def with_inversions(count, inversions):
    """Ranks in rising order but for so many pairs."""
    ranks, order = list(range(count)), []
    for left in range(count, 0, -1):
        taken = min(inversions, left - 1)
        order.append(ranks.pop(taken))
        inversions -= taken
    return order


@pytest.mark.parametrize(
    ("count", "inversions", "beyond_chance"),
    [
        # Pairs in order less pairs that are not, and one less, against 2.576 deviations of
        # sqrt(n (n - 1) (2 n + 5) / 18): 15 - 1 against 13.7, then 13 - 1.
        (6, 0, True),
        (6, 1, False),
        # 82 - 1 against 79.4, then 80 - 1.
        (20, 54, True),
        (20, 55, False),
        # 10 - 1 against 10.5: five never suffice.
        (5, 0, False),
    ],
)
def test_a_trend_is_told_where_the_order_is_beyond_chance(
    make_round, count, inversions, beyond_chance
):
    rounds = [
        make_round(5 + 0.01 * rank * 20 / count) for rank in with_inversions(count, inversions)
    ]
    assert ("from the first processes to the last" in words(rounds)) == beyond_chance


def test_few_processes_are_told(make_round):
    assert words([make_round(5.0)] * 2) == (
        "onnx int8 (2 processes): too few to tell chance from change; give --rounds 6 or more."
    )
    assert findings_of_rounds([make_round(5.0)] * 6) == []


def disagreeing(*shares):
    return {f"configuration {i}": [Finding("disagree", share)] for i, share in enumerate(shares)}


def test_what_is_found_of_many_configurations_is_told_once():
    (sentence,) = told(disagreeing(0.12, 0.41, 0.2, 0.3, 0.22), 20)
    assert sentence.startswith("all 5 configurations (12% to 41%): half of the processes'")
    (sentence,) = told({**disagreeing(0.12, 0.41, 0.2, 0.3, 0.22), "steady": []}, 20)
    assert sentence.startswith("5 of 6 configurations (12% to 41%): ")
    (sentence,) = told(disagreeing(0.12, 0.41), 20)
    assert sentence.startswith("configuration 0 (12%), configuration 1 (41%): ")


def test_the_warm_up_to_give_is_that_of_the_slowest_to_settle():
    (sentence,) = told({"a": [Finding("warming", 10)], "b": [Finding("warming", 30)]}, 20)
    assert sentence.startswith("a (10 frames), b (30 frames): ")
    assert sentence.endswith("give --warmup 80.")


@pytest.mark.parametrize(
    ("finding", "figure"),
    [(("few", 1), "1 process"), (("few", 5), "5 processes"), (("warming", 1), "1 frame")],
)
def test_one_is_told_in_the_singular(finding, figure):
    assert Finding(*finding).figure == figure


@pytest.mark.parametrize(
    ("load", "busy"),
    [(0.9, False), (1.0, False), (1.01, True), (2, True), ({"absent": "no loadavg"}, False)],
)
def test_a_busy_machine_is_told(load, busy):
    found = findings_of_machine({"load_average": load, "processors_usable": 2})
    assert ("busy" in " ".join(found)) == busy


@pytest.mark.parametrize("machine", [{}, {"load_average": 9.0}, {"processors_usable": 2}])
def test_a_machine_that_does_not_tell_its_load_is_not_called_busy(machine):
    assert findings_of_machine(machine) == []


def test_how_much_of_a_disagreement_the_probes_tell_is_said(make_round):
    factors = [1.0, 1.4, 1.1, 1.5, 1.2, 1.3]
    lucky = [make_round(*[5.0 * f] * 40, probe_ms=0.4 * f) for f in factors]
    assert "(20%, 100% of it the machine's by its probe): half of the" in words(lucky)
    steady = [make_round(*[5.0 * f] * 40, probe_ms=0.4) for f in factors]
    unlike = [
        make_round(*[5.0 * f] * 40, probe_ms=p)
        for f, p in zip(factors, (0.4, 0.5, 0.5, 0.4, 0.4, 0.5), strict=True)
    ]
    for rounds in (steady, unlike, [make_round(*[5.0 * f] * 40) for f in factors]):
        assert "(20%): half of the" in words(rounds)


def test_the_share_that_probes_tell_is_the_adjusted_coefficient_of_determination(make_round):
    medians = [5.0, 7.0, 5.5, 7.5, 6.0, 6.5, 5.2, 8.0]
    probes = [0.40, 0.50, 0.45, 0.52, 0.40, 0.49, 0.44, 0.51]
    rounds = [make_round(*[m] * 40, probe_ms=p) for m, p in zip(medians, probes, strict=True)]
    (found,) = [finding for finding in findings_of_rounds(rounds) if finding.kind == "disagree"]
    line = stats.linregress(np.log(probes), np.log(medians))
    assert found.machine == pytest.approx(1 - (1 - line.rvalue**2) * 7 / 6, abs=1e-4)
    assert 0.3 < found.machine < 0.9
