"""Who sees which image how, and when: the part of the study that is drawn by lot.

1. Each reader reads each image once, so that nobody remembers it from another condition.
2. Condition 0 is the image alone, 1 and 2 are the image with map A and B. The images of each class
   take turns through the conditions, and the next reader begins one condition further (a Latin
   square): every image meets every condition equally often if the readers are a multiple of the
   conditions, and every reader meets every condition equally often in each class.
3. Each block of one image of every condition is in an order of its own, so that practice and
   fatigue fall on all conditions alike.
4. Afterwards, where there are two maps, both are shown side by side for the preference; each is on
   the left half of the time for every reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_runtime.errors import UsageError

__all__ = ["Comparison", "Design", "Reading", "Schedule", "draw_cases", "draw_schedules"]


@dataclass(frozen=True)
class Design:
    """The size of a study.

    Attributes:
        readers: how many read.
        cases: how many images each of them reads.
        maps: 1 or 2 kinds of map beside the image alone.
        comparisons: images with both maps side by side; 0 with one map.
    """

    readers: int
    cases: int
    maps: int
    comparisons: int

    def __post_init__(self) -> None:
        if self.maps not in (1, 2):
            raise UsageError(
                f"a study compares one map or two with the image alone, not {self.maps}."
            )
        if self.readers < 1:
            raise UsageError("a study needs a reader.")
        if self.cases < self.conditions:
            raise UsageError(
                f"{self.cases} images cannot go round {self.conditions} conditions; give more."
            )
        if not 0 <= self.comparisons <= self.cases:
            raise UsageError(
                f"there are {self.cases} images to compare maps on, not {self.comparisons}."
            )

    @property
    def conditions(self) -> int:
        """The image alone and each map."""
        return 1 + self.maps

    @property
    def balanced(self) -> bool:
        """Whether every image meets every condition equally often."""
        return self.readers % self.conditions == 0


@dataclass(frozen=True)
class Reading:
    """An image to be diagnosed: its position, and 0 for alone or the number of its map."""

    case: int
    condition: int


@dataclass(frozen=True)
class Comparison:
    """An image with both maps: its position, and the numbers of the maps from left to right."""

    case: int
    left: int
    right: int


@dataclass(frozen=True)
class Schedule:
    """What one reader sees, in order."""

    readings: tuple[Reading, ...]
    comparisons: tuple[Comparison, ...]


def draw_cases(labels: Sequence[str], count: int | None, random: np.random.Generator) -> list[int]:
    """Choose images, of each class equally many as far as there are, in random order.

    Args:
        labels: the class of each image that there is.
        count: how many to choose; None for all.
        random: what draws.

    Raises:
        UsageError: there are fewer.
    """
    if count is not None and count > len(labels):
        raise UsageError(f"there are {len(labels)} images, not {count}; give a smaller --cases.")
    turns = _in_turns(labels, random)
    return [int(position) for position in random.permutation(turns[:count])]


def draw_schedules(
    labels: Sequence[str], design: Design, random: np.random.Generator
) -> tuple[Schedule, ...]:
    """Draw every reader's order; see the head of this file.

    Args:
        labels: the class of each case.
        design: the size of the study.
        random: what draws.
    """
    by_class = _by_class(labels, random)
    compared = [
        int(case) for case in random.permutation(_in_turns(labels, random)[: design.comparisons])
    ]
    return tuple(
        Schedule(
            _readings(by_class, reader, design.conditions, random),
            _comparisons(compared, reader, random),
        )
        for reader in range(design.readers)
    )


def _readings(
    by_class: Sequence[int], reader: int, conditions: int, random: np.random.Generator
) -> tuple[Reading, ...]:
    piles = [
        random.permutation(
            [
                case
                for turn, case in enumerate(by_class)
                if (turn + reader) % conditions == condition
            ]
        )
        for condition in range(conditions)
    ]
    readings: list[Reading] = []
    for block in range(max(map(len, piles))):
        available = [condition for condition, pile in enumerate(piles) if block < len(pile)]
        for condition in random.permutation(available):
            readings.append(Reading(int(piles[condition][block]), int(condition)))
    return tuple(readings)


def _comparisons(
    cases: Sequence[int], reader: int, random: np.random.Generator
) -> tuple[Comparison, ...]:
    """Sides alternate over images and over readers; the order is the reader's own."""
    sides = [(1, 2) if (turn + reader) % 2 == 0 else (2, 1) for turn in range(len(cases))]
    drawn = random.permutation(len(cases))
    return tuple(Comparison(cases[turn], *sides[turn]) for turn in drawn)


def _by_class(labels: Sequence[str], random: np.random.Generator) -> list[int]:
    """Positions class by class, shuffled within each."""
    found: list[int] = []
    for label in sorted(set(labels)):
        members = [position for position, one in enumerate(labels) if one == label]
        found += [int(position) for position in random.permutation(members)]
    return found


def _in_turns(labels: Sequence[str], random: np.random.Generator) -> list[int]:
    """Positions so that the first n hold the classes as evenly as there are images of them."""
    seen: dict[str, int] = {}
    keyed = []
    for position in _by_class(labels, random):
        turn = seen.setdefault(labels[position], 0)
        seen[labels[position]] += 1
        keyed.append((turn, random.random(), position))
    return [position for _, _, position in sorted(keyed)]
