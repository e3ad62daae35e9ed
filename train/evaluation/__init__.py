"""Measuring a run or a bundle: classification with intervals, saliency against lesion masks."""

from __future__ import annotations

from train.evaluation.evaluate import evaluate
from train.evaluation.report import Evaluation, write_evaluation
from train.evaluation.saliency import SaliencyMeasures, SaliencyOptions
from train.evaluation.targets import Target, open_target

__all__ = [
    "Evaluation",
    "SaliencyMeasures",
    "SaliencyOptions",
    "Target",
    "evaluate",
    "open_target",
    "write_evaluation",
]
