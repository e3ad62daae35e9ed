"""The one evaluation of a run and of a bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import softmax
from edge_runtime.errors import DataError, UsageError
from edge_runtime.metrics import (
    bootstrap_intervals,
    bootstrap_mean,
    brier_scores,
    confusion_matrix,
    log_losses,
    reliability,
)
from train.data import load_images
from train.evaluation.decisions import measure_decisions, points_for_sensitivity
from train.evaluation.report import Calibration, Evaluation
from train.evaluation.saliency import SaliencyMeasures, SaliencyOptions, measure_saliency
from train.evaluation.selection import select_images
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
    limit: int | None = None,
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
        limit: use the first images only, for a quick look.
        sensitivity: choose the operating points anew for it, on the validation part; None takes
            those that the target has.

    Raises:
        DataError, UsageError: see ``select_images``, ``load_images`` and ``measure_saliency``; or
            another target to compare maps with has other classes or another input.
        ArtifactError, DependencyError: the target cannot give such maps, or no engine runs it.
    """
    options = saliency or SaliencyOptions()
    if options.against is not None:
        _check_comparable(target, options.against)
    selection = select_images(target, source, part, split_from)
    if not selection.samples:
        raise DataError(f"{selection.source} has no images in the part {part!r}.")
    samples = selection.samples[:limit]
    reporter.start("reading images", len(samples))
    loaded = load_images(samples, target.preprocessing, skip_bad=skip_bad, advance=reporter.advance)
    labels = loaded.labels(target.classes)
    reporter.start("classifying", len(labels))
    logits = target.logits(loaded.images, reporter.advance)
    probabilities = softmax(logits, target.temperature)
    groups = [sample.group for sample in loaded.samples]
    points = target.operating_points
    if sensitivity is not None:
        points = points_for_sensitivity(
            target,
            sensitivity,
            reporter,
            source=source,
            split_from=split_from,
            skip_bad=skip_bad,
        )
    reporter.start("intervals", 1)
    figures = bootstrap_intervals(labels, probabilities, groups, target.classes)
    measures = SaliencyMeasures()
    if options.methods:
        weights = weights_of(target, options.against, split_from)
        measures = measure_saliency(
            target, loaded, labels, selection.training, weights, options, reporter
        )
    return Evaluation(
        target=str(target.path),
        kind=target.kind,
        description=target.description,
        source=selection.source,
        part=part,
        classes=target.classes,
        keys=tuple(sample.key for sample in loaded.samples),
        groups=len(set(groups)) if selection.has_groups else 0,
        labels=labels,
        probabilities=probabilities,
        confusion=confusion_matrix(labels, probabilities.argmax(axis=1), len(target.classes)),
        figures=figures,
        calibration=_calibration(target.temperature, logits, labels, groups),
        decisions=measure_decisions(points, labels, probabilities, groups, target.classes, figures),
        saliency=measures,
        skipped=loaded.skipped,
    )


def _calibration(
    temperature: float, logits: NDArray[np.float32], labels: NDArray[np.int64], groups: list[str]
) -> Calibration:
    """How honest the probabilities of ``logits`` are, with the temperature and without."""
    probabilities = softmax(logits, temperature)
    return Calibration(
        temperature=temperature,
        reliability=reliability(labels, probabilities),
        without_temperature=reliability(labels, softmax(logits, 1.0)),
        brier=bootstrap_mean(brier_scores(labels, probabilities), groups),
        log_loss=bootstrap_mean(log_losses(labels, probabilities), groups),
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
