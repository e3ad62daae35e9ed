"""Figures of merit in NumPy alone, the same for a run on a workstation and a bundle on a board.

Classification: :func:`classification_metrics` and, with 95 % intervals that resample groups,
:func:`bootstrap_intervals` (a figure of one's own: :func:`resample_counts` and
:func:`percentile_interval`); whether probabilities are honest: :func:`reliability`; a class called
from a threshold on: :func:`threshold_for_sensitivity`, :func:`detection_rates`. Saliency against
a lesion mask: :func:`pointing`, :func:`energy_inside`, and the rows that a blind guess reaches,
:func:`blind_pointing`; against a :class:`Region`: :func:`energy_inside` its mask; against another
map: :func:`rank_correlation` and :func:`top_overlap`; against the network that it explains:
:func:`insertion_steps`, :func:`deletion_steps` and :func:`area_under_curve`.
"""

from __future__ import annotations

from edge_runtime.metrics.bootstrap import (
    Interval,
    bootstrap_intervals,
    bootstrap_mean,
    bootstrap_median,
    bootstrap_ratio,
    percentile_interval,
    resample_counts,
)
from edge_runtime.metrics.calibration import (
    Reliability,
    brier_scores,
    log_losses,
    reliability,
)
from edge_runtime.metrics.classification import (
    ClassificationMetrics,
    auc_one_vs_rest,
    classification_metrics,
    confusion_matrix,
)
from edge_runtime.metrics.insertion_deletion import (
    area_under_curve,
    blurred,
    deletion_steps,
    insertion_steps,
    pixel_order,
)
from edge_runtime.metrics.localization import (
    BlindPointing,
    blind_pointing,
    box_mean,
    energy_inside,
    pointing,
)
from edge_runtime.metrics.map_agreement import rank_correlation, top_overlap
from edge_runtime.metrics.operating_points import (
    DetectionRates,
    detection_rates,
    threshold_for_sensitivity,
)
from edge_runtime.metrics.region import Region

__all__ = [
    "BlindPointing",
    "ClassificationMetrics",
    "DetectionRates",
    "Interval",
    "Region",
    "Reliability",
    "area_under_curve",
    "auc_one_vs_rest",
    "blind_pointing",
    "blurred",
    "bootstrap_intervals",
    "bootstrap_mean",
    "bootstrap_median",
    "bootstrap_ratio",
    "box_mean",
    "brier_scores",
    "classification_metrics",
    "confusion_matrix",
    "deletion_steps",
    "detection_rates",
    "energy_inside",
    "insertion_steps",
    "log_losses",
    "percentile_interval",
    "pixel_order",
    "pointing",
    "rank_correlation",
    "reliability",
    "resample_counts",
    "threshold_for_sensitivity",
    "top_overlap",
]
