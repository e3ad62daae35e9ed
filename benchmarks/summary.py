"""From the rounds of a configuration to its figures, and from two configurations to a ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from benchmarks.absent import Absent, of_all, to_json
from benchmarks.configurations import Configuration
from benchmarks.costs import CostSummary
from benchmarks.statistics import MedianInterval, median_interval, paired_ratios, percentiles
from benchmarks.worker import Round

__all__ = ["STAGES", "Ratio", "Summary", "ratios", "round_medians", "summarize"]

STAGES = ("preprocess", "inference", "total")
_NANOSECONDS_PER_MS = 1e6
_NANOSECONDS_PER_SECOND = 1e9


@dataclass(frozen=True)
class Summary:
    """Figures of one configuration over all its rounds.

    Attributes:
        samples: Timed frames in all rounds.
        stages_ms: Stage (``preprocess``, ``inference``, ``total``) -> ``p50``, ``p90``, ``p99``
            and ``max`` in milliseconds, over the samples of all rounds.
        inference_p50_by_round_ms: Median of each round: how far the rounds agree.
        fps: Frames a second when one frame follows the other: samples / sum of ``total``.
        load_ms: Median over the rounds of importing the engine and loading the graph.
        first_inference_ms: Median over the rounds of the first run.
        memory_before_load_bytes: Median of the resident memory without an engine.
        memory_after_load_bytes: Median of the resident memory with engine and graph loaded.
        memory_peak_bytes: Largest peak of all rounds.
        costs: Start, processor time, shared memory and drawing.
    """

    samples: int
    stages_ms: dict[str, dict[str, float | Absent]]
    inference_p50_by_round_ms: tuple[float, ...]
    fps: float
    load_ms: float
    first_inference_ms: float
    memory_before_load_bytes: int | Absent
    memory_after_load_bytes: int | Absent
    memory_peak_bytes: int | Absent
    costs: CostSummary

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the report."""
        record = {name: to_json(value) for name, value in vars(self).items()}
        record["costs"] = self.costs.to_json()
        record["inference_p50_by_round_ms"] = list(self.inference_p50_by_round_ms)
        record["stages_ms"] = {
            stage: {name: to_json(value) for name, value in figures.items()}
            for stage, figures in self.stages_ms.items()
        }
        return record


@dataclass(frozen=True)
class Ratio:
    """How one configuration's median inference compares with another's, round by round.

    Attributes:
        kind: ``precision`` (INT8 over float), ``saliency`` (with a map over without), ``threads``
            (more over the fewest) or ``bundle`` (another over the first).
        numerator: Configuration above the line.
        denominator: Configuration below it; they differ in what ``kind`` says and nothing else.
        interval: Median of the rounds' ratios with its interval; below 1 the numerator is faster.
        difference_ms: Median of the rounds' differences: what a map adds to an inference.
    """

    kind: str
    numerator: Configuration
    denominator: Configuration
    interval: MedianInterval
    difference_ms: float

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the report."""
        return {
            "kind": self.kind,
            "stage": "inference",
            "numerator": self.numerator.name,
            "denominator": self.denominator.name,
            **self.interval.to_json(),
            "difference_ms": self.difference_ms,
        }


def summarize(rounds: Sequence[Round]) -> Summary:
    """Return the figures of the rounds of one configuration.

    Raises:
        ValueError: There is no round.
    """
    if not rounds:
        raise ValueError("there is no round to summarise")
    stages = {stage: np.concatenate([item.stage_ns(stage) for item in rounds]) for stage in STAGES}
    total = stages["total"]
    return Summary(
        samples=len(total),
        stages_ms={name: percentiles(samples) for name, samples in stages.items()},
        inference_p50_by_round_ms=round_medians(rounds),
        fps=len(total) * _NANOSECONDS_PER_SECOND / max(1, int(total.sum())),
        load_ms=median(item.load_ns for item in rounds) / _NANOSECONDS_PER_MS,
        first_inference_ms=median(item.first_inference_ns for item in rounds) / _NANOSECONDS_PER_MS,
        memory_before_load_bytes=of_all(_middle, [item.memory_before_load for item in rounds]),
        memory_after_load_bytes=of_all(_middle, [item.memory_after_load for item in rounds]),
        memory_peak_bytes=of_all(max, [item.memory_peak for item in rounds]),
        costs=CostSummary.of(
            [item.costs for item in rounds],
            [item.load_ns + item.first_inference_ns for item in rounds],
            [int(item.stage_ns("total").sum()) for item in rounds],
        ),
    )


def round_medians(rounds: Sequence[Round]) -> tuple[float, ...]:
    """Return the median inference of each round in milliseconds."""
    return tuple(median(item.inference_ns) / _NANOSECONDS_PER_MS for item in rounds)


def ratios(measured: Mapping[Configuration, Sequence[Round]]) -> tuple[Ratio, ...]:
    """Compare what belongs together: INT8 with float, and each map with the plain graph.

    Of several numbers of threads each is compared with the fewest, of several bundles each with the
    first.

    Args:
        measured: Configuration -> its rounds; the same number for all.

    Returns:
        A ratio for each pair of which both were measured, in the order of the numerators.
    """
    fewest = min((item.threads for item in measured if item.threads is not None), default=None)
    first = next((item.bundle for item in measured), None)
    found: list[Ratio] = []
    for numerator in measured:
        twins = {
            "precision": replace(numerator, precision="float32"),
            "saliency": replace(numerator, saliency="none"),
            "threads": replace(numerator, threads=fewest),
            "bundle": replace(numerator, bundle=first),
        }
        found += [
            _ratio(kind, numerator, twin, measured)
            for kind, twin in twins.items()
            if twin != numerator and twin in measured
        ]
    return tuple(found)


def _ratio(
    kind: str,
    numerator: Configuration,
    denominator: Configuration,
    measured: Mapping[Configuration, Sequence[Round]],
) -> Ratio:
    above, below = round_medians(measured[numerator]), round_medians(measured[denominator])
    return Ratio(
        kind=kind,
        numerator=numerator,
        denominator=denominator,
        interval=median_interval(paired_ratios(above, below)),
        difference_ms=median(a - b for a, b in zip(above, below, strict=True)),
    )


def _middle(values: Sequence[int]) -> int:
    return int(median(values))
