"""Trials on disk: one small JSON file for each, written when it ends.

A record holds what the report compares image by image. Images are in the order of the split, groups
are numbers, and no file name, no path and no host name is in it.

History of the format: 1, the first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from train.row_file import read_row, row_files, write_row

__all__ = ["EpochFigures", "Outcomes", "Status", "TrialRecord", "read_trials"]

_FORMAT, _VERSION = "saliedge-sweep-trial", 1
Status = Literal["finished", "stopped", "diverged", "failed"]


@dataclass(frozen=True)
class EpochFigures:
    """The validation part after an epoch.

    Attributes:
        epoch: its number from 1 over both phases.
        macro_sensitivity: mean over classes.
        accuracy: share of images that are right.
        loss: mean cross entropy.
    """

    epoch: int
    macro_sensitivity: float
    accuracy: float
    loss: float


@dataclass(frozen=True)
class Outcomes:
    """Each image of the validation part, lists of one length, by the network that was kept.

    Attributes:
        group: number of its group.
        label: class index.
        predicted: class index.
        loss: cross entropy.
    """

    group: tuple[int, ...] = ()
    label: tuple[int, ...] = ()
    predicted: tuple[int, ...] = ()
    loss: tuple[float, ...] = ()


@dataclass(frozen=True)
class TrialRecord:
    """A trial that has ended.

    Attributes:
        name: its identity, see ``Trial.name``; also the name of its run.
        point: what is varied.
        entries: the configuration behind it.
        status: ``finished``; ``stopped`` early by halving; ``diverged``, its loss was not a number
            any more; ``failed`` by an error, and run again when the sweep is.
        message: why, where it is not finished.
        history: the validation part after each epoch.
        best_epoch: epoch of the second phase that was kept, or None.
        outcomes: empty where it is not finished.
        classes: names by index.
        split_sha256: which images are in which part; empty where that was not found out.
        seconds: of all epochs.
        attempts: how often it was begun or gone on with, because a worker died.
        code: version of the package, hash of its sources, versions of torch and numpy.
        machine: processor and threads.
    """

    name: str
    point: dict[str, Any]
    entries: dict[str, Any]
    status: Status
    message: str
    history: tuple[EpochFigures, ...]
    best_epoch: int | None
    outcomes: Outcomes
    classes: tuple[str, ...]
    split_sha256: str
    seconds: float
    attempts: int
    code: dict[str, str]
    machine: dict[str, Any]

    @property
    def is_over(self) -> bool:
        """Whether it is not run again: all but the failed."""
        return self.status != "failed"

    def write(self, folder: Path) -> Path:
        """Write the record into ``folder``, named by the trial.

        Raises:
            OutputError: it cannot be written.
        """
        path = folder / f"{self.name}.json"
        write_row(path, _FORMAT, _VERSION, asdict(self))
        return path

    @classmethod
    def read(cls, path: Path) -> TrialRecord:
        """Read what :meth:`write` wrote.

        Raises:
            ArtifactError: it is damaged or of another version.
        """
        return read_row(path, _FORMAT, _VERSION, cls._from_fields, "the trial is measured again")

    @classmethod
    def _from_fields(cls, record: dict[str, Any]) -> TrialRecord:
        if record["status"] not in get_args(Status):
            raise ValueError(f"the status {record['status']!r} is unknown")
        outcomes = Outcomes(**{k: tuple(v) for k, v in record.pop("outcomes").items()})
        history = tuple(EpochFigures(**epoch) for epoch in record.pop("history"))
        classes = tuple(record.pop("classes"))
        return cls(outcomes=outcomes, history=history, classes=classes, **record)


def read_trials(folder: Path) -> dict[str, TrialRecord]:
    """All records of a sweep by name.

    Raises:
        ArtifactError: see :meth:`TrialRecord.read`.
    """
    records = (TrialRecord.read(path) for path in row_files(folder))
    return {record.name: record for record in records}
