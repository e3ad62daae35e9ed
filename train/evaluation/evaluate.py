"""The one evaluation of a run and of a bundle."""

from __future__ import annotations

from pathlib import Path

from edge_runtime.classifier import softmax
from edge_runtime.errors import DataError
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
from train.evaluation.localization import localize, masked_class
from train.evaluation.report import Calibration, Evaluation
from train.evaluation.selection import select_images
from train.evaluation.targets import BundleTarget, Target
from train.progress import Reporter

__all__ = ["evaluate"]


def evaluate(
    target: Target,
    reporter: Reporter,
    *,
    source: str | None = None,
    part: str = "test",
    split_from: Path | None = None,
    skip_bad: bool = False,
    with_saliency: bool = True,
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
        with_saliency: measure saliency where there are lesion masks.
        limit: use the first images only, for a quick look.
        sensitivity: choose the operating points anew for it, on the validation part; None takes
            those that the target has.

    Raises:
        DataError, UsageError: see ``select_images`` and ``load_images``.
        ArtifactError, DependencyError: the bundle has no saliency graph, or no engine runs it.
    """
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
    calibration = Calibration(
        temperature=target.temperature,
        reliability=reliability(labels, probabilities),
        without_temperature=reliability(labels, softmax(logits, 1.0)),
        brier=bootstrap_mean(brier_scores(labels, probabilities), groups),
        log_loss=bootstrap_mean(log_losses(labels, probabilities), groups),
    )
    label = masked_class(loaded.samples, target.preprocessing) if with_saliency else None
    rows = []
    if label is not None:
        reporter.start("saliency", int((labels == target.classes.index(label)).sum()))
        rows = localize(
            target, loaded, label, selection.training, _map_name(target), reporter.advance
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
        calibration=calibration,
        decisions=measure_decisions(points, labels, probabilities, groups, target.classes, figures),
        localization=tuple(rows),
        masked_class=label,
        skipped=loaded.skipped,
    )


def _map_name(target: Target) -> str:
    mode = target.saliency_mode if isinstance(target, BundleTarget) else "gradient"
    return "class activation map" if mode == "cam" else "gradient"
