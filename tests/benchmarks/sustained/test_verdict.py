"""Whether a run kept its speed, said in words that name the cause if it could be read."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.absent import Absent
from benchmarks.sensors import Reading
from benchmarks.sustained.verdict import Moment, judge

BEFORE = Reading(50.0, Absent("no"), Absent("no"), Absent("no"))


def noisy(count, level, seed):
    """`count` inference times around a level, 2 % apart."""
    return level * np.random.default_rng(seed).lognormal(0, 0.02, count)


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_no_slow_down(moment, seed):
    verdict = judge(BEFORE, [moment(i, value) for i, value in enumerate(noisy(60, 2.0, seed))])
    assert verdict.kind == "held"
    assert verdict.sentences[0].startswith("It kept its speed: ")


def test_a_change_within_the_noise_is_not_called_keeping_its_speed(moment):
    times = 2.0 * np.random.default_rng(3).lognormal(0, 0.5, 60)
    verdict = judge(BEFORE, [moment(i, value) for i, value in enumerate(times)])
    assert verdict.kind == "held"
    assert verdict.sentences[0].startswith("No evidence of a change in the noise")


@pytest.mark.parametrize("at", [8, 30, 50])
def test_a_slow_down_is_found_with_its_size_and_its_beginning(moment, at):
    times = np.concatenate([noisy(at, 2.0, 1), noisy(60 - at, 2.4, 2)])
    verdict = judge(BEFORE, [moment(i, value) for i, value in enumerate(times)])
    assert verdict.kind == "slowed"
    assert verdict.change == pytest.approx(0.2, abs=0.03)
    assert verdict.since_seconds == 10.0 * at
    assert "It slowed down by" in verdict.sentences[0]


def test_a_run_can_become_faster(moment):
    times = np.concatenate([noisy(20, 2.0, 1), noisy(40, 1.5, 2)])
    verdict = judge(BEFORE, [moment(i, value) for i, value in enumerate(times)])
    assert verdict.kind == "faster"
    assert "became faster by" in verdict.sentences[0]


def test_a_few_windows_are_too_few_to_tell(moment):
    verdict = judge(BEFORE, [moment(i, 1.0 + i) for i in range(10)])
    assert verdict.kind == "too short"
    assert "--minutes" in verdict.sentences[0]


def test_the_temperature_is_told_with_the_verdict(moment):
    moments = [moment(i, 2.0, temperature_celsius=50.0 + i) for i in range(30)]
    assert "50 °C before, 79 °C at the end, 79 °C at most" in " ".join(
        judge(BEFORE, moments).sentences
    )


def test_what_could_not_be_read_is_told_with_its_reason(moment):
    sentences = judge(BEFORE, [moment(i, 2.0) for i in range(30)]).sentences
    for name in ("Temperature", "Throttling", "Clock"):
        assert f"{name}: unknown, not read in this test." in sentences


def slowing(moment, read):
    """The last sentence about a run whose second half is slower; `read(late)` is what was read."""
    moments: list[Moment] = [
        moment(i, 2.5 if i >= 30 else 2.0, **read(late=i >= 30)) for i in range(60)
    ]
    return judge(BEFORE, moments).sentences[-1]


@pytest.mark.parametrize(
    ("read", "cause"),
    [
        (lambda late: {"throttled": ("throttled", "too hot") if late else ()}, "heat sink"),
        (lambda late: {"throttled": ("too little voltage",) if late else ()}, "supply"),
        (lambda late: {"throttled": (), "frequency_mhz": 1800 if late else 2400}, "fell to 75%"),
        (lambda late: {"others": 1.4 if late else 0.2}, "other work, which took 0.2"),
        (lambda late: {"throttled": ()}, "nothing that could be read"),
    ],
)
def test_a_slow_down_names_its_cause(moment, read, cause):
    assert cause in slowing(moment, read)


def test_flags_are_counted(moment):
    moments = [moment(i, 2.0, throttled=("too hot",) if i > 26 else ()) for i in range(30)]
    assert "too hot at 3 of 30" in " ".join(judge(BEFORE, moments).sentences)
