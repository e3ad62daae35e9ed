"""What a record holds of a finished run: each image of its validation part."""

from __future__ import annotations

import csv
from pathlib import Path

from edge_runtime.classifier import softmax
from edge_runtime.files import sha256_file
from edge_runtime.metrics import log_losses
from train.data import load_images
from train.evaluation.selection import select_images
from train.evaluation.targets import RunTarget
from train.run.directory import RunDirectory
from train.sweep.records import EpochFigures, Outcomes

__all__ = ["read_history", "split_sha256", "validation_outcomes"]

_DIGITS = 5


def validation_outcomes(run: RunDirectory, *, skip_bad: bool) -> tuple[Outcomes, tuple[str, ...]]:
    """Classify the validation part with the network that was kept; also gives the class names.

    The test part stays unseen.

    Raises:
        ArtifactError: the run has no network.
        DataError: its images are not there.
    """
    target = RunTarget(run.path)
    selection = select_images(target, None, "val")
    loaded = load_images(selection.samples, target.preprocessing, skip_bad=skip_bad)
    labels = loaded.labels(target.classes)
    logits = target.logits(loaded.images, lambda _done: None)
    losses = log_losses(labels, softmax(logits, 1.0))
    numbers: dict[str, int] = {}
    groups = [numbers.setdefault(sample.group, len(numbers)) for sample in loaded.samples]
    outcomes = Outcomes(
        group=tuple(groups),
        label=tuple(labels.tolist()),
        predicted=tuple(logits.argmax(axis=1).tolist()),
        loss=tuple(round(float(value), _DIGITS) for value in losses),
    )
    return outcomes, target.classes


def read_history(log: Path, epochs_done: int | None = None) -> tuple[EpochFigures, ...]:
    """The validation part after each epoch of training, from a run's ``log.csv``.

    Args:
        log: the file; it may be missing.
        epochs_done: leave out later epochs, which will be done again.
    """
    if not log.is_file():
        return ()
    with log.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["phase"] != "calibrated"]
    epochs = (
        EpochFigures(
            int(row["epoch"]),
            float(row["val_macro_sensitivity"]),
            float(row["val_accuracy"]),
            float(row["val_loss"]),
        )
        for row in rows
    )
    return tuple(e for e in epochs if epochs_done is None or e.epoch <= epochs_done)


def split_sha256(run: RunDirectory) -> str:
    """Hash of the split, see ``Split.sha256``; empty where the run has none."""
    return sha256_file(run.split) if run.split.is_file() else ""
