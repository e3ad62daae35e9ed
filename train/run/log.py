"""The record of a run: ``log.csv``, ``ranges.csv``, ``findings.csv``, and what follows it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from edge_runtime.files import atomic_write_text
from train.run.directory import RunDirectory
from train.sinks import RunSink

__all__ = ["EpochRecord", "Finding", "RunLog", "training_seconds"]


@dataclass(frozen=True)
class EpochRecord:
    """One line of ``log.csv``. Losses are means over the epoch, shares are from 0 to 1.

    The last five entries are measured on a few validation images, see
    :class:`train.watch.images.WatchFigures`.

    ``phase`` is ``float``, ``calibrated`` (the folded network with its first clips, before any
    training of the second phase; its losses are empty) or ``quantized``.
    """

    epoch: int
    phase: str
    seconds: float
    rate: float
    loss: float | None
    cross_entropy: float | None
    divergence: float | None
    saliency_l1: float | None
    alpha_penalty: float | None
    train_accuracy: float | None
    val_loss: float
    val_accuracy: float
    val_macro_sensitivity: float
    alpha_mean: float | None = None
    clipped_share_mean: float | None = None
    clipped_share_max: float | None = None
    masked_agreement: float | None = None
    val_divergence: float | None = None
    saliency_steadiness: float | None = None
    saliency_outside: float | None = None
    saliency_overlay: float | None = None


@dataclass(frozen=True)
class Finding:
    """Something about an epoch that a person should know of.

    Attributes:
        name: of the kind of finding, the same in every run.
        sentence: what was seen, and which knob to turn.
    """

    name: str
    sentence: str


class RunLog:
    """Keeps the lines of a run; the files are whole after every epoch.

    A resumed run drops the lines of epochs that it will do again.
    """

    def __init__(self, run: RunDirectory, epochs_done: int, sinks: Sequence[RunSink] = ()) -> None:
        self._run, self._sinks = run, sinks
        self._epochs = _kept(run.log, epochs_done)
        self._ranges = _kept(run.ranges, epochs_done)
        self._findings = _kept(run.findings, epochs_done)

    def history(self, *phases: str) -> list[dict[str, float]]:
        """The figures of the epochs of some phases, as far as an epoch has them, in order."""
        return [
            {name: float(text) for name, text in row.items() if name != "phase" and text}
            for row in self._epochs
            if row["phase"] in phases
        ]

    def note(self, record: EpochRecord, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Add what the watch found in an epoch that was written; gives what is new.

        A finding that the epoch before had too is kept, and not told once more.
        """
        before = {row["finding"] for row in self._findings if row["epoch"] == str(record.epoch - 1)}
        self._findings = [row for row in self._findings if not _is_same(row, record)]
        columns = ["epoch", "phase", "finding", "sentence"]
        for finding in findings:
            values = (str(record.epoch), record.phase, finding.name, finding.sentence)
            self._findings.append(dict(zip(columns, values, strict=True)))
        _write(self._run.findings, columns, self._findings)
        told = tuple(finding for finding in findings if finding.name not in before)
        for finding in told:
            for sink in self._sinks:
                sink.note(record.epoch, finding.sentence)
        return told

    def write(
        self,
        record: EpochRecord,
        alphas: Mapping[str, float] | None = None,
        clipped: Mapping[str, float] | None = None,
    ) -> None:
        """Add an epoch, with clip value and clipped share of each site if there are any."""
        self._epochs = [row for row in self._epochs if not _is_same(row, record)]
        self._epochs.append({name: _text(value) for name, value in asdict(record).items()})
        _write(self._run.log, [entry.name for entry in fields(EpochRecord)], self._epochs)
        if alphas:
            columns = ["epoch", "phase", "site", "alpha", "clipped_share"]
            self._ranges = [row for row in self._ranges if not _is_same(row, record)]
            for site, alpha in alphas.items():
                share = (clipped or {}).get(site)
                values = (record.epoch, record.phase, site, alpha, share)
                self._ranges.append(dict(zip(columns, map(_text, values), strict=True)))
            _write(self._run.ranges, columns, self._ranges)
        figures = {
            f"epoch/{name}": value
            for name, value in asdict(record).items()
            if isinstance(value, float)
        }
        figures |= {f"alpha/{site}": alpha for site, alpha in (alphas or {}).items()}
        for sink in self._sinks:
            sink.epoch(record.epoch, figures)


def training_seconds(run: RunDirectory) -> float:
    """Seconds of all epochs of a run, over every interruption; 0 before the first."""
    return round(sum(float(row["seconds"]) for row in _kept(run.log)), 1)


def _is_same(row: Mapping[str, str], record: EpochRecord) -> bool:
    return row["epoch"] == str(record.epoch) and row["phase"] == record.phase


def _kept(path: Path, epochs_done: int | None = None) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
    return [row for row in rows if epochs_done is None or int(row["epoch"]) <= epochs_done]


def _write(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    buffer = io.StringIO()
    # Rows of a run that an earlier version began may have columns that there are no more.
    writer = csv.DictWriter(buffer, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write_text(path, buffer.getvalue())


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
