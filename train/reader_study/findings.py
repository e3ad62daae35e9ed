"""What an analysis of a reader study says, and its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_runtime.metrics import Interval
from train.reader_study.agreement import Agreement
from train.reader_study.records import StudyKey

__all__ = [
    "ALONE",
    "ANALYSIS_FORMAT",
    "ANALYSIS_VERSION",
    "MAP_NAMES",
    "POOLED",
    "Analysis",
    "Condition",
    "Difference",
    "Preference",
    "ReaderRow",
]

ANALYSIS_FORMAT, ANALYSIS_VERSION = "saliedge-reader-study-analysis", 1
ALONE, POOLED = "image alone", "with a map"
MAP_NAMES = ("map A", "map B")


@dataclass(frozen=True)
class Condition:
    """What readers did in one condition.

    Attributes:
        name: image alone, map A, map B, or with a map.
        readings: how many answers.
        figures: accuracy, confidence (also of right and of wrong answers), seconds (geometric
            mean), usefulness, and accuracy where every network was right and where none was.
        sensitivity: share of right answers by class.
    """

    name: str
    readings: int
    figures: dict[str, Interval]
    sensitivity: dict[str, Interval]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "readings": self.readings,
            "figures": _intervals(self.figures),
            "sensitivity": _intervals(self.sensitivity),
        }


@dataclass(frozen=True)
class Difference:
    """One condition against another; of seconds it is the ratio.

    Attributes:
        name: the condition.
        other: what it is compared with.
        figures: as of the conditions.
    """

    name: str
    other: str
    figures: dict[str, Interval]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"name": self.name, "other": self.other, "figures": _intervals(self.figures)}


@dataclass(frozen=True)
class Preference:
    """Which map was preferred side by side.

    Attributes:
        answers: how many.
        shares: of map A, map B and no difference.
        first_minus_second: share of A less that of B.
        left: share of the decided answers that chose the left, which should be about half.
    """

    answers: int
    shares: dict[str, Interval]
    first_minus_second: Interval
    left: Interval

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "answers": self.answers,
            "shares": _intervals(self.shares),
            "a_minus_b": self.first_minus_second.to_json(),
            "left": self.left.to_json(),
        }


@dataclass(frozen=True)
class ReaderRow:
    """One reader.

    Attributes:
        reader: the number.
        readings: how many answers.
        complete: whether everything was answered.
        accuracy: by condition; NaN where there is no answer.
        minutes: of all answers.
        breaks: in all.
    """

    reader: int
    readings: int
    complete: bool
    accuracy: dict[str, float]
    minutes: float
    breaks: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        accuracy = {name: None if np.isnan(one) else one for name, one in self.accuracy.items()}
        return {**vars(self), "accuracy": accuracy}


@dataclass(frozen=True)
class Analysis:
    """Everything that is reported.

    Attributes:
        key: of the study; its cases and seed are not part of the JSON.
        conditions: image alone, each map, and both together.
        differences: each of these from the image alone, and map B from map A.
        preference: None without comparisons.
        agreement: between readers.
        readers: one by one.
    """

    key: StudyKey
    conditions: tuple[Condition, ...]
    differences: tuple[Difference, ...]
    preference: Preference | None
    agreement: tuple[Agreement, ...]
    readers: tuple[ReaderRow, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        maps = {
            name: source.to_json() for name, source in zip(MAP_NAMES, self.key.maps, strict=False)
        }
        return {
            "format": ANALYSIS_FORMAT,
            "version": ANALYSIS_VERSION,
            "study": self.key.study,
            "title": self.key.title,
            "maps": maps,
            "cases": len(self.key.cases),
            "interval": "95 %, percentiles of 1000 resamples of readers and groups of images",
            "conditions": [found.to_json() for found in self.conditions],
            "differences": [found.to_json() for found in self.differences],
            "preference": None if self.preference is None else self.preference.to_json(),
            "agreement": [found.to_json() for found in self.agreement],
            "readers": [found.to_json() for found in self.readers],
        }


def _intervals(figures: dict[str, Interval]) -> dict[str, Any]:
    return {name: interval.to_json() for name, interval in figures.items()}
