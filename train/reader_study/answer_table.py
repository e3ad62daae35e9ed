"""Answers as arrays: a row for each reader, a column for each case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.reader_study.records import ReaderAnswers, StudyKey

__all__ = ["AnswerTable", "answer_table"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AnswerTable:
    """All ``[R, N]``; -1 or NaN where a reader did not answer.

    Attributes:
        condition: 0 for the image alone, or the number of the map.
        diagnosis: index of the class that was named.
        right: 1 or 0.
        confidence: 1 to 5.
        usefulness: 1 to 5; NaN for the image alone, too.
        seconds: of the reading.
        preferred: side by side: 0 for map A, 1 for B, 2 for no difference.
        preferred_left: 1 where the preferred map was on the left.
        network_right: bool ``[N]``, whether the class that every map explains is the true one.
        network_wrong: bool ``[N]``, whether none is.
    """

    condition: Integers
    diagnosis: Integers
    right: Floats
    confidence: Floats
    usefulness: Floats
    seconds: Floats
    preferred: Integers
    preferred_left: Floats
    network_right: NDArray[np.bool_]
    network_wrong: NDArray[np.bool_]


def answer_table(key: StudyKey, answers: Sequence[ReaderAnswers]) -> AnswerTable:
    """Fill the arrays, by the key's order of cases and classes.

    Args:
        key: of the study.
        answers: checked against it.
    """
    shape = (len(answers), len(key.cases))
    column = {case.case: position for position, case in enumerate(key.cases)}
    hits = [[predicted == case.label for predicted in case.predicted] for case in key.cases]
    table = AnswerTable(
        condition=np.full(shape, -1),
        diagnosis=np.full(shape, -1),
        right=np.full(shape, np.nan),
        confidence=np.full(shape, np.nan),
        usefulness=np.full(shape, np.nan),
        seconds=np.full(shape, np.nan),
        preferred=np.full(shape, -1),
        preferred_left=np.full(shape, np.nan),
        network_right=np.array([all(of_case) for of_case in hits]),
        network_wrong=np.array([not any(of_case) for of_case in hits]),
    )
    for row, reader in enumerate(answers):
        for answer in reader.readings:
            at = (row, column[answer.case])
            case = key.cases[at[1]]
            table.condition[at] = 0 if answer.map is None else 1 + case.maps.index(answer.map)
            table.diagnosis[at] = key.classes.index(answer.diagnosis)
            table.right[at] = answer.diagnosis == case.label
            table.confidence[at] = answer.confidence
            table.usefulness[at] = np.nan if answer.usefulness is None else answer.usefulness
            table.seconds[at] = answer.seconds
        for compared in reader.comparisons:
            at = (row, column[compared.case])
            maps = key.cases[at[1]].maps
            chosen = compared.preferred
            table.preferred[at] = len(maps) if chosen is None else maps.index(chosen)
            table.preferred_left[at] = chosen == compared.left
    return table
