"""The trials of a sweep compared on the validation part, which is what they are chosen by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.metrics import Interval, resample_counts
from train.study.analysis import interval
from train.sweep.metric import METRICS, Metric
from train.sweep.plan import Plan, Trial
from train.sweep.records import Outcomes, TrialRecord

__all__ = ["Analysis", "Ranked", "analyse"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """A trial with its figures.

    Attributes:
        trial: of the plan.
        record: how it ended.
        figures: of the network that was kept, by the names of ``METRICS``; empty where the trial is
            not finished.
        minus_best: the metric less that of the best trial, paired image by image; None for the best
            itself and where there is nothing to pair.
    """

    trial: Trial
    record: TrialRecord
    figures: Mapping[str, Interval]
    minus_best: Interval | None = None

    def last(self, metric: Metric) -> float | None:
        """The metric after the last epoch that there was, or None before the first."""
        history = self.record.history
        return getattr(history[-1], metric.name) if history else None


@dataclass(frozen=True)
class Analysis:
    """A sweep as far as it is done.

    Attributes:
        plan: what is varied.
        ranked: finished trials, the best first.
        others: trials that were stopped, diverged or failed, in the order of the plan.
        missing: trials without a record.
        blind: the figures of always naming the most frequent class, with the shares of the classes
            as its probabilities; by the names of ``METRICS``.
        images: of the validation part.
    """

    plan: Plan
    ranked: tuple[Ranked, ...]
    others: tuple[Ranked, ...]
    missing: tuple[Trial, ...]
    blind: Mapping[str, float]
    images: int

    @property
    def best(self) -> Ranked | None:
        """The finished trial with the best metric, of equals the one with the lower loss."""
        return self.ranked[0] if self.ranked else None

    @property
    def tied(self) -> int:
        """Finished trials, besides the best, that the images do not tell from it."""
        return sum(
            r.minus_best is not None and r.minus_best.low <= 0 <= r.minus_best.high
            for r in self.ranked
        )


def analyse(plan: Plan, records: Mapping[str, TrialRecord]) -> Analysis:
    """Rank the trials of the plan that there are records of."""
    ended = [(trial, records[trial.name]) for trial in plan.trials if trial.name in records]
    finished = [
        Ranked(trial, record, _intervals(_statistics(record.outcomes)))
        for trial, record in ended
        if record.status == "finished"
    ]
    finished.sort(
        key=lambda r: (
            -plan.metric.goodness(r.figures[plan.metric.name].value),
            r.figures["loss"].value,
            r.trial.number,
        )
    )
    return Analysis(
        plan=plan,
        ranked=tuple(_against(finished[0], r, plan.metric) for r in finished),
        others=tuple(Ranked(t, record, {}) for t, record in ended if record.status != "finished"),
        missing=tuple(trial for trial in plan.trials if trial.name not in records),
        blind=_blind(finished[0].record.outcomes) if finished else {},
        images=len(finished[0].record.outcomes.label) if finished else 0,
    )


def _statistics(outcomes: Outcomes) -> dict[str, Floats]:
    """Each figure on the images as they are, and then on every resample of groups, ``[1 + R]``."""
    drawn = resample_counts(outcomes.group)
    weights = np.vstack([np.ones((1, drawn.shape[1])), drawn]).astype(np.float64)
    label = np.asarray(outcomes.label)
    hit = (label == np.asarray(outcomes.predicted)).astype(np.float64)
    of_class = np.eye(label.max() + 1)[label]
    present = weights @ of_class
    hits = weights @ (of_class * hit[:, None])
    sensitivities = np.divide(hits, present, out=np.full(hits.shape, np.nan), where=present > 0)
    total = weights.sum(axis=1)
    return {
        "macro_sensitivity": np.nanmean(sensitivities, axis=1),
        "accuracy": weights @ hit / total,
        "loss": weights @ np.asarray(outcomes.loss) / total,
    }


def _intervals(statistics: Mapping[str, Floats]) -> dict[str, Interval]:
    return {name: interval(values) for name, values in statistics.items()}


def _against(best: Ranked, ranked: Ranked, metric: Metric) -> Ranked:
    ours, theirs = ranked.record.outcomes, best.record.outcomes
    # Resamples are of the same images only if both have the same.
    if ranked is best or (ours.label, ours.group) != (theirs.label, theirs.group):
        return ranked
    difference = _statistics(ours)[metric.name] - _statistics(theirs)[metric.name]
    return Ranked(ranked.trial, ranked.record, ranked.figures, interval(difference))


def _blind(outcomes: Outcomes) -> dict[str, float]:
    counts = np.bincount(outcomes.label)
    shares = counts[counts > 0] / counts.sum()
    figures = {
        "macro_sensitivity": 1 / len(shares),
        "accuracy": float(shares.max()),
        "loss": float(-(shares * np.log(shares)).sum()),
    }
    return {name: figures[name] for name in METRICS}
