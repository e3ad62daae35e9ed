"""How far to trust a prediction: a calm label, whether it is certain, whether it is familiar."""

from __future__ import annotations

from edge_runtime.assessment.assessor import Assessment, Assessor, call_threshold
from edge_runtime.assessment.calm_label import CalmLabel, CalmOptions
from edge_runtime.assessment.familiarity import FeatureDistance, open_feature_distance

__all__ = [
    "Assessment",
    "Assessor",
    "CalmLabel",
    "CalmOptions",
    "FeatureDistance",
    "call_threshold",
    "open_feature_distance",
]
