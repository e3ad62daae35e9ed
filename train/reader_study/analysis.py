"""The answers of all readers, joined with the key: what the maps did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import DataError
from edge_runtime.metrics import Interval
from train.reader_study.agreement import Agreement, fleiss_agreement
from train.reader_study.answer_table import AnswerTable, answer_table
from train.reader_study.findings import (
    ALONE,
    MAP_NAMES,
    POOLED,
    Analysis,
    Condition,
    Difference,
    Preference,
    ReaderRow,
)
from train.reader_study.records import (
    ComparisonAnswer,
    ReaderAnswers,
    ReadingAnswer,
    StudyKey,
)
from train.reader_study.resampling import CrossedResamples, Mask, Sampled

__all__ = ["analyse"]


def analyse(key: StudyKey, answers: Sequence[ReaderAnswers]) -> Analysis:
    """Join answers and key.

    Args:
        key: of the study.
        answers: of :func:`train.reader_study.records.read_answers`.

    Raises:
        DataError: no reader answered anything.
    """
    if not any(reader.readings for reader in answers):
        raise DataError("no reader has answered anything yet; there is nothing to analyse.")
    return _Analyst(key, answers).run()


class _Analyst:
    def __init__(self, key: StudyKey, answers: Sequence[ReaderAnswers]) -> None:
        self.key, self.answers = key, answers
        self.table: AnswerTable = answer_table(key, answers)
        self.groups = [case.group for case in key.cases]
        self.resamples = CrossedResamples(len(answers), self.groups)
        read = self.table.condition
        self.masks: dict[str, Mask] = {ALONE: read == 0}
        for number, name in enumerate(MAP_NAMES[: len(key.maps)], start=1):
            self.masks[name] = read == number
        if len(key.maps) > 1:
            self.masks[POOLED] = read > 0

    def run(self) -> Analysis:
        sampled = {name: self._figures(mask) for name, mask in self.masks.items()}
        return Analysis(
            key=self.key,
            conditions=tuple(self._condition(name, found) for name, found in sampled.items()),
            differences=tuple(self._differences(sampled)),
            preference=self._preference(),
            agreement=tuple(self._agreement()),
            readers=tuple(self._reader(row) for row in range(len(self.answers))),
        )

    def _figures(self, mask: Mask) -> dict[str, Sampled]:
        table, mean = self.table, self.resamples.mean
        right = table.right
        return {
            "accuracy": mean(right, mask),
            "confidence": mean(table.confidence, mask),
            "confidence_right": mean(table.confidence, mask & (right == 1)),
            "confidence_wrong": mean(table.confidence, mask & (right == 0)),
            "log_seconds": mean(np.log(np.maximum(table.seconds, 1e-3)), mask),
            "usefulness": mean(table.usefulness, mask & ~np.isnan(table.usefulness)),
            "accuracy_network_right": mean(right, mask & self.table.network_right),
            "accuracy_network_wrong": mean(right, mask & self.table.network_wrong),
        }

    def _condition(self, name: str, sampled: dict[str, Sampled]) -> Condition:
        mask = self.masks[name]
        figures = _with_seconds(sampled)
        if name == ALONE:
            del figures["usefulness"]
        labels = np.array([case.label for case in self.key.cases])
        sensitivity = {
            label: self.resamples.mean(self.table.right, mask & (labels == label)).interval()
            for label in self.key.classes
            if (labels == label).any()
        }
        return Condition(name, int(mask.sum()), figures, sensitivity)

    def _differences(self, sampled: dict[str, dict[str, Sampled]]) -> list[Difference]:
        pairs = [(name, ALONE) for name in sampled if name != ALONE]
        if len(self.key.maps) > 1:
            pairs.append((MAP_NAMES[1], MAP_NAMES[0]))
        differences = []
        for name, other in pairs:
            found = {
                figure: value.minus(sampled[other][figure])
                for figure, value in sampled[name].items()
            }
            figures = _with_seconds(found)
            if other == ALONE:
                del figures["usefulness"]
            differences.append(Difference(name, other, figures))
        return differences

    def _preference(self) -> Preference | None:
        """Shares of the answers, which are 0 for A, 1 for B and 2 for no difference."""
        preferred, on_left = self.table.preferred, self.table.preferred_left
        answered = preferred >= 0
        if not answered.any():
            return None
        names = (*MAP_NAMES, "no difference")
        shares = [
            self.resamples.mean((preferred == kind).astype(np.float64), answered)
            for kind in range(len(names))
        ]
        decided = answered & (preferred < len(MAP_NAMES))
        return Preference(
            int(answered.sum()),
            {name: share.interval() for name, share in zip(names, shares, strict=True)},
            shares[0].minus(shares[1]).interval(),
            self.resamples.mean(on_left, decided).interval(),
        )

    def _agreement(self) -> list[Agreement]:
        diagnosis, classes = self.table.diagnosis, len(self.key.classes)
        questions: list[tuple[str, NDArray[np.int64], int]] = [
            ("diagnosis, all conditions", diagnosis, classes)
        ]
        for name, mask in self.masks.items():
            if name != POOLED:
                questions.append((f"diagnosis, {name}", np.where(mask, diagnosis, -1), classes))
        questions.append(("preferred map", self.table.preferred, len(MAP_NAMES) + 1))
        found = [
            fleiss_agreement(name, given, categories, self.groups)
            for name, given, categories in questions
        ]
        return [agreement for agreement in found if agreement is not None]

    def _reader(self, row: int) -> ReaderRow:
        answers = self.answers[row]
        every: list[ReadingAnswer | ComparisonAnswer] = [*answers.readings, *answers.comparisons]
        accuracy = {}
        for name, mask in self.masks.items():
            chosen = self.table.right[row][mask[row]]
            accuracy[name] = float(chosen.mean()) if len(chosen) else float("nan")
        return ReaderRow(
            reader=answers.reader,
            readings=len(answers.readings),
            complete=answers.complete,
            accuracy=accuracy,
            minutes=sum(answer.seconds for answer in every) / 60,
            breaks=sum(answer.breaks for answer in every),
        )


def _with_seconds(sampled: dict[str, Sampled]) -> dict[str, Interval]:
    """Intervals; logarithms become seconds, and their difference a ratio."""
    return {
        name.removeprefix("log_"): (
            value.exponential() if name.startswith("log_") else value
        ).interval()
        for name, value in sampled.items()
    }
