"""The time left of a run, told from epochs that took so long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.train.conftest import tiny_config
from train.config import TrainConfig
from train.run.clock import RunClock, duration


class Time:
    """A clock that a test sets."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def config(epochs_float: int, epochs: int, **guidance: object) -> TrainConfig:
    planned = tiny_config()
    optimizer = replace(planned.optimizer, epochs_float=epochs_float, epochs=epochs)
    return replace(planned, optimizer=optimizer, guidance=replace(planned.guidance, **guidance))


def test_before_the_second_phase_its_epochs_count_as_dearer_ones() -> None:
    now = Time()
    clock = RunClock(config(4, 2, enabled=False), now)
    guided = RunClock(config(4, 2), now)
    for one in (clock, guided):
        one.begin(0)
    assert clock.left(0) is None
    now.seconds = 30.0
    # Half an epoch took 30 s: 3.5 more of 60 s, and two of PACT alone that cost as much as these.
    assert clock.left(0.5) == pytest.approx(60 * (3.5 + 2 * 1.0))
    assert guided.left(0.5) == pytest.approx(60 * (3.5 + 2 * 2.4))


def test_an_epoch_is_named_by_its_number_in_the_run_and_its_phase() -> None:
    assert RunClock(config(30, 6)).place(34, "quantised") == "epoch 34/36, quantised"


def test_once_it_has_begun_it_is_measured() -> None:
    now = Time()
    clock = RunClock(config(4, 4), now)
    clock.begin(0)
    now.seconds = 40.0
    clock.begin(4)
    now.seconds = 240.0
    assert clock.left(6) == pytest.approx(2 * 100)
    assert clock.left(8) == 0
    assert clock.words(8) == ""


def test_a_resumed_run_is_measured_from_where_it_goes_on() -> None:
    now = Time()
    clock = RunClock(config(10, 0), now)
    clock.begin(7)
    now.seconds = 60.0
    assert clock.left(8) == pytest.approx(120)


def test_a_run_that_may_end_early_takes_at_most_that_long() -> None:
    planned = config(3, 0)
    clock = RunClock(
        replace(planned, optimizer=replace(planned.optimizer, patience=1)), now := Time()
    )
    clock.begin(0)
    now.seconds = 60.0
    assert clock.words(1) == "  at most 2 min left"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (119, "119 s"), (121, "2 min"), (7199, "120 min"), (7500, "2 h 05 min")],
)
def test_durations_are_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text
