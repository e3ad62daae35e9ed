"""How long a row will take, from the rows that are done."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from train.study.matrix import MATRIX, Row
from train.study.records import Record

__all__ = ["Estimator"]

# In float epochs: classifying the tested images and explaining their lesions.
_MEASURING = 0.5
_POST_TRAINING = 0.4


class Estimator:
    """Seconds of work from the seconds of finished rows.

    A row that is done in another fold takes as long as it did there; any other is a multiple of a
    float epoch, whose seconds the rows that are done tell.
    """

    def __init__(self, epochs_float: int, epochs: int) -> None:
        self._epochs_float, self._epochs = epochs_float, epochs
        self._of_row: dict[str, list[float]] = {}
        self._of_unit: list[float] = []
        self._of_shared: list[float] = []

    def learn(self, record: Record) -> None:
        """Take a finished row into account."""
        seconds = record.seconds["training"] + record.seconds["measuring"]
        self._of_row.setdefault(record.row, []).append(seconds)
        self._of_shared.append(record.seconds["shared"])
        if record.row in MATRIX:
            self._of_unit.append(seconds / self._units(MATRIX[record.row]))

    def shared(self) -> float | None:
        """Seconds of the float network of a fold; None while nothing is known."""
        if any(self._of_shared):
            return median(seconds for seconds in self._of_shared if seconds)
        return self._epochs_float * median(self._of_unit) if self._of_unit else None

    def row(self, row: Row) -> float | None:
        """Seconds of a row in one fold, without the network that it branches from."""
        if row.name in self._of_row:
            return median(self._of_row[row.name])
        return self._units(row) * median(self._of_unit) if self._of_unit else None

    def total(self, rows: Iterable[Row], new_folds: int) -> float | None:
        """Seconds of some rows, and of the float networks of folds that have none yet."""
        parts = [self.row(row) for row in rows] + [self.shared()] * new_folds
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None

    def _units(self, row: Row) -> float:
        if row.method == "post-training":
            return _POST_TRAINING
        return row.effort * self._epochs + _MEASURING
