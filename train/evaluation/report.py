"""An evaluation as a table, as JSON, as a CSV of predictions and as a picture."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import edge_runtime
from edge_runtime.files import atomic_directory, wrote
from edge_runtime.metrics import Interval, Reliability
from train.evaluation.confusion_picture import confusion_picture
from train.evaluation.decisions import DecisionRow, decision_lines
from train.evaluation.insertion_deletion_picture import insertion_deletion_picture
from train.evaluation.localization import LocalizationRow
from train.evaluation.reliability_picture import reliability_picture
from train.evaluation.saliency import SaliencyMeasures
from train.evaluation.saliency_picture import saliency_picture
from train.evaluation.saliency_table import saliency_lines

__all__ = ["Calibration", "Evaluation", "is_earlier_evaluation", "write_evaluation"]

# 1: classification, calibration, and pointing and energy of one map.
# 2: rows of several maps, with the lesions' area and the energy as a multiple of it; regions;
#    agreement; randomisation; insertion and deletion.
_FORMAT_VERSION = 2
# What the table shows, and how: shares of images in per cent, other figures in decimals.
_MACRO = {
    "accuracy": ".1%",
    "macro_sensitivity": ".1%",
    "macro_specificity": ".1%",
    "macro_f1": ".3f",
    "mcc": ".3f",
    "macro_auc": ".3f",
}
_PER_CLASS = {"sensitivity": ".1%", "specificity": ".1%", "f1": ".3f", "auc": ".3f"}
# Resampling shows no error where the images hold none; the rule of three (Hanley and
# Lippman-Hand, JAMA 249, 1983) says what they leave open.
_NO_WIDTH = (
    "An interval without width is not certainty: where all n images (or groups) are right, or all\n"
    "wrong, the true rate may lie about 3/n away."
)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Whether the probabilities mean what they say.

    Attributes:
        temperature: what the logits were divided by.
        reliability: bins of the probability of the top class.
        without_temperature: the same of the bare logits.
        brier: mean squared distance of the probabilities from the label.
        log_loss: mean cross entropy.
    """

    temperature: float
    reliability: Reliability
    without_temperature: Reliability
    brier: Interval
    log_loss: Interval

    def to_json(self) -> dict[str, Any]:
        """For ``metrics.json``.

        Also ``ece`` (expected calibration error), ``ece_without_temperature`` (of the bare logits)
        and ``bins`` (those that hold images): ``bins[].images`` (how many), ``bins[].confidence``
        (mean probability of their top class) and ``bins[].accuracy`` (share that is right).
        """
        bins = self.reliability
        return {
            "temperature": self.temperature,
            "ece": bins.expected_calibration_error,
            "ece_without_temperature": self.without_temperature.expected_calibration_error,
            "brier": self.brier.to_json(),
            "log_loss": self.log_loss.to_json(),
            "bins": [
                {"images": int(count), "confidence": float(confidence), "accuracy": float(accuracy)}
                for count, confidence, accuracy in zip(
                    bins.count, bins.confidence, bins.accuracy, strict=True
                )
                if count
            ],
        }

    def lines(self) -> list[str]:
        """For the table."""
        plain = self.without_temperature.expected_calibration_error
        return [
            f"calibration (temperature {self.temperature:.3f})",
            f"{'  ECE':22}{self.reliability.expected_calibration_error:8.3f}"
            f"   {plain:.3f} without the temperature",
            _figure_line("  Brier score", self.brier),
            _figure_line("  log loss", self.log_loss),
        ]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Everything that was measured.

    Attributes:
        target: what it was, and where.
        kind: ``run`` or ``bundle``.
        description: precision and engine.
        source: the images.
        part: which of them.
        classes: names by index.
        keys: names of the images.
        groups: how many groups they form, 0 where none were named.
        labels: int64 ``[N]``.
        probabilities: float64 ``[N, C]``.
        confusion: int64 ``[C, C]``, true by predicted.
        figures: every figure with its 95 % interval.
        calibration: of the probabilities.
        decisions: classes at their operating points, empty where there are none.
        saliency: what was measured of the saliency maps.
        skipped: sentences about images that could not be read.
    """

    target: str
    kind: str
    description: str
    source: str
    part: str
    classes: tuple[str, ...]
    keys: tuple[str, ...]
    groups: int
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    confusion: NDArray[np.int64]
    figures: dict[str, Interval]
    calibration: Calibration
    saliency: SaliencyMeasures
    decisions: tuple[DecisionRow, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def localization(self) -> tuple[LocalizationRow, ...]:
        """Rows of the saliency against lesion masks, empty without masks."""
        return self.saliency.localization

    @property
    def masked_class(self) -> str | None:
        """The class that they are about."""
        return self.saliency.masked_class

    def to_json(self) -> dict[str, Any]:
        """The contents of ``metrics.json``; no names of images.

        Also ``format_version`` (a whole number), ``saliedge`` (its version), ``images`` (how many),
        ``skipped`` (how many could not be read), ``metrics`` (figure to its interval, such as
        ``accuracy`` and ``sensitivity/polyp``), ``operating_points`` (see there) and ``interval``
        (how intervals were found).
        """
        return {
            "format_version": _FORMAT_VERSION,
            "saliedge": edge_runtime.__version__,
            "kind": self.kind,
            "description": self.description,
            "part": self.part,
            "images": len(self.labels),
            "groups": self.groups,
            "skipped": len(self.skipped),
            "classes": list(self.classes),
            "metrics": {name: interval.to_json() for name, interval in self.figures.items()},
            "calibration": self.calibration.to_json(),
            "operating_points": [row.to_json() for row in self.decisions],
            "confusion": self.confusion.tolist(),
            "interval": "95 %, percentile bootstrap over groups, 1000 resamples",
            "saliency": self.saliency.to_json(),
        }

    def text(self) -> str:
        """The table for people."""
        lines = [
            f"{self.target}: {self.description}",
            f"{self.source}, {self.part}: {len(self.labels)} images"
            + (f" in {self.groups} groups" if self.groups else ""),
            *(f"skipped: {sentence}" for sentence in self.skipped),
            "",
            *self._figure_lines(),
            "",
            *self.calibration.lines(),
            "",
            *([*decision_lines(self.decisions), ""] if self.decisions else []),
            *self._confusion_lines(),
        ]
        return "\n".join([*lines, *saliency_lines(self.saliency)])

    def _figure_lines(self) -> list[str]:
        lines = [f"{'':22}{'value':>8}   95 % interval"]
        for name, form in _MACRO.items():
            lines.append(_figure_line(name.replace("_", " "), self.figures[name], form))
        for label in self.classes:
            lines.append(label)
            lines += [
                _figure_line(f"  {name}", self.figures[f"{name}/{label}"], form)
                for name, form in _PER_CLASS.items()
            ]
        if any(figure.low == figure.high for figure in self.figures.values()):
            lines.append(_NO_WIDTH)
        return lines

    def _confusion_lines(self) -> list[str]:
        width = max(6, *(len(label) for label in self.classes)) + 1
        lines = ["confusion (rows: true, columns: predicted)"]
        lines.append(" " * width + "".join(f"{label:>{width}}" for label in self.classes))
        for label, row in zip(self.classes, self.confusion, strict=True):
            lines.append(f"{label:{width}}" + "".join(f"{count:{width}d}" for count in row))
        return lines


is_earlier_evaluation = wrote(
    "metrics.json",
    "predictions.csv",
    "confusion.png",
    "reliability.png",
    also=("insertion_deletion.png", "saliency.png"),
)
"""Whether a folder is of an earlier evaluation, and nothing else."""


def write_evaluation(evaluation: Evaluation, folder: Path, force: bool = False) -> list[str]:
    """Write metrics, predictions and pictures into a folder that appears whole.

    The pictures are of confusion and reliability, of insertion and deletion if they were measured,
    and of images with their maps if such were kept (``SaliencyOptions.examples``).

    Returns:
        The names of the files.

    Raises:
        OutputError: the folder exists without ``force``, or cannot be written.
    """
    text = json.dumps(evaluation.to_json(), indent=2, allow_nan=False) + "\n"
    title = f"{evaluation.part}: {len(evaluation.labels)} images"
    pictures = {
        "confusion.png": confusion_picture(evaluation.confusion, evaluation.classes, title),
        "reliability.png": reliability_picture(evaluation.calibration.reliability, title),
    }
    measured = evaluation.saliency
    if measured.insertion_deletion:
        count = measured.insertion_deletion[0].count
        curves = insertion_deletion_picture(
            measured.insertion_deletion, f"{evaluation.part}: {count} images"
        )
        pictures["insertion_deletion.png"] = curves
    if measured.examples:
        pictures["saliency.png"] = saliency_picture(measured.examples)
    with atomic_directory(folder, force, is_earlier_evaluation) as written:
        (written / "metrics.json").write_text(text, encoding="utf-8")
        (written / "predictions.csv").write_text(_predictions(evaluation), encoding="utf-8")
        for name, picture in pictures.items():
            picture.save(written / name)
    return ["metrics.json", "predictions.csv", *pictures]


def _predictions(evaluation: Evaluation) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("file", "label", "prediction", *(f"p:{c}" for c in evaluation.classes)))
    top = evaluation.probabilities.argmax(axis=1)
    for key, label, guess, row in zip(
        evaluation.keys, evaluation.labels, top, evaluation.probabilities, strict=True
    ):
        shares = (f"{value:.6f}" for value in row)
        writer.writerow((key, evaluation.classes[label], evaluation.classes[guess], *shares))
    return buffer.getvalue()


def _figure_line(name: str, interval: Interval, form: str = ".3f") -> str:
    value, _, ends = format(interval, form).partition(" ")
    return f"{name:22}{value:>8}   {ends.strip('()')}".rstrip()
