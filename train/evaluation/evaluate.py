"""The one evaluation of a run and of a bundle."""

from __future__ import annotations

from pathlib import Path

from edge_runtime.classifier import softmax
from edge_runtime.errors import UsageError
from edge_runtime.metrics import (
    bootstrap_intervals,
    bootstrap_mean,
    brier_scores,
    confusion_matrix,
    log_losses,
    reliability,
)
from train.evaluation.classified import Classified, ImageChoice, classify_part
from train.evaluation.decisions import measure_decisions, points_for_sensitivity
from train.evaluation.report import Calibration, Evaluation
from train.evaluation.saliency import SaliencyMeasures, SaliencyOptions, measure_saliency
from train.evaluation.targets import Target, weights_of
from train.run.progress import Reporter

__all__ = ["evaluate"]


def evaluate(
    target: Target,
    reporter: Reporter,
    *,
    source: str | None = None,
    part: str = "test",
    split_from: Path | None = None,
    skip_bad: bool = False,
    saliency: SaliencyOptions | None = None,
    sensitivity: float | None = None,
) -> Evaluation:
    """Measure a run or a bundle on images.

    Args:
        target: see ``open_target``.
        reporter: told how it goes.
        source: the images; a run knows its own.
        part: ``test``, ``val``, ``train`` or ``all``.
        split_from: a run whose split is taken.
        skip_bad: leave out and list unreadable images.
        saliency: what to measure of the maps; None for the gradient with all defaults.
        sensitivity: choose the operating points anew for it, on the validation part; None takes
            those that the target has.

    Raises:
        DataError, UsageError: see ``classify_part`` and ``measure_saliency``; or
            another target to compare maps with has other classes or another input.
        ArtifactError, DependencyError: the target cannot give such maps, or no engine runs it.
    """
    options = saliency or SaliencyOptions()
    if options.against is not None:
        _check_comparable(target, options.against)
    choice = ImageChoice(source, split_from, skip_bad)
    found = classify_part(target, choice, part, reporter)
    labels, probabilities, groups = found.labels, found.probabilities, found.groups
    points = target.operating_points
    if sensitivity is not None:
        points = points_for_sensitivity(target, sensitivity, choice, reporter)
    reporter.start("intervals", 1)
    figures = bootstrap_intervals(labels, probabilities, groups, target.classes)
    return Evaluation(
        target=str(target.path),
        kind=target.kind,
        description=target.description,
        source=found.selection.source,
        part=part,
        classes=target.classes,
        keys=tuple(sample.key for sample in found.loaded.samples),
        groups=len(set(groups)) if found.selection.has_groups else 0,
        labels=labels,
        probabilities=probabilities,
        confusion=confusion_matrix(labels, probabilities.argmax(axis=1), len(target.classes)),
        figures=figures,
        calibration=_calibration(found, target.temperature),
        decisions=measure_decisions(points, labels, probabilities, groups, target.classes, figures),
        saliency=_saliency(target, found, options, split_from, reporter),
        skipped=found.loaded.skipped,
    )


def _saliency(
    target: Target,
    found: Classified,
    options: SaliencyOptions,
    split_from: Path | None,
    reporter: Reporter,
) -> SaliencyMeasures:
    if not options.methods:
        return SaliencyMeasures()
    weights = weights_of(target, options.against, split_from)
    return measure_saliency(
        target,
        found.loaded,
        found.labels,
        found.probabilities,
        found.selection.training,
        weights,
        options,
        reporter,
    )


def _calibration(found: Classified, temperature: float) -> Calibration:
    """How honest the probabilities are, with the temperature and without."""
    labels, probabilities = found.labels, found.probabilities
    return Calibration(
        temperature=temperature,
        reliability=reliability(labels, probabilities),
        without_temperature=reliability(labels, softmax(found.logits, 1.0)),
        brier=bootstrap_mean(brier_scores(labels, probabilities), found.groups),
        log_loss=bootstrap_mean(log_losses(labels, probabilities), found.groups),
    )


def _check_comparable(target: Target, against: Target) -> None:
    for what, one, other in (
        ("classes", target.classes, against.classes),
        ("input", target.preprocessing, against.preprocessing),
    ):
        if one != other:
            raise UsageError(
                f"the maps of {target.path} and {against.path} cannot be compared, their {what} "
                f"differ ({one} and {other})."
            )
