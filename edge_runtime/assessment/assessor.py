"""What a person should know beside a prediction: a calm label, and how far to trust it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_runtime.assessment.calm_label import CalmLabel, CalmOptions
from edge_runtime.assessment.familiarity import FeatureDistance, open_feature_distance
from edge_runtime.quick_dataclass import dataclass

if TYPE_CHECKING:
    from edge_runtime.bundle.reader import Bundle
    from edge_runtime.bundle.schema import BundleSpec
    from edge_runtime.classifier import Prediction

__all__ = ["BELOW_OPERATING_POINT", "UNLIKE_TRAINING", "Assessment", "Assessor", "call_threshold"]

BELOW_OPERATING_POINT = "below its operating point"
UNLIKE_TRAINING = "unlike the training images"

_EVEN_ODDS = 0.5
_SECONDS_BETWEEN_DISTANCES = 0.5


@dataclass(frozen=True)
class Assessment:
    """How a prediction is to be shown.

    Attributes:
        shown_label: Class to show large, calm over time; the frame's own for a single image.
        shown_probability: Its probability, averaged like the label.
        uncertain: Whether that is below the one from which on the class is called (see
            :func:`call_threshold`).
        distance: Distance of the latest measured frame's features from the training images; None
            if it is not measured, or the bundle has no statistics of them. It is measured for every
            single image, and twice a second for moving ones.
        unfamiliar: Whether ``distance`` is beyond the bundle's threshold; None if it has none.
    """

    shown_label: str
    shown_probability: float
    uncertain: bool
    distance: float | None = None
    unfamiliar: bool | None = None

    @property
    def doubtful(self) -> bool:
        """Whether the label should not be relied on: ``uncertain`` or ``unfamiliar``."""
        return bool(self.doubts)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why not, in words; empty without a reason."""
        reasons = (BELOW_OPERATING_POINT, self.uncertain), (UNLIKE_TRAINING, self.unfamiliar)
        return tuple(reason for reason, holds in reasons if holds)


def call_threshold(spec: BundleSpec, label: str) -> float:
    """Return the calibrated probability from which on a class is called.

    That of its operating point; without one, 0.5: more likely than all others together.
    """
    for point in spec.operating_points:
        if point.label == label:
            return point.threshold
    return _EVEN_ODDS


class Assessor:
    """Assesses the frames of one loop in their order, through changes of source and bundle.

    Args:
        calm: How calm the label is.
        measures_distance: Whether to look at the distance from the training images.
    """

    def __init__(self, calm: CalmOptions | None = None, measures_distance: bool = True) -> None:
        self._options = calm
        self._measures_distance = measures_distance
        self._calm = CalmLabel(calm)
        self._source: str | None = None
        self._bundle: Bundle | None = None
        self._measure: FeatureDistance | None = None
        self._limit: float | None = None
        self._labels: tuple[str, ...] = ()
        self._thresholds: dict[str, float] = {}
        self._distance: float | None = None
        self._measured_at = -np.inf

    def assess(self, prediction: Prediction, bundle: Bundle) -> Assessment:
        """Return how a prediction is to be shown.

        Args:
            prediction: Of the next frame.
            bundle: The bundle that made it.

        Raises:
            ArtifactError: The bundle's statistics of its features are damaged.
        """
        if bundle is not self._bundle:
            self._take_bundle(bundle)
        if prediction.frame.source != self._source:
            self._source = prediction.frame.source
            self._begin_anew()
        frame = prediction.frame
        seconds = (
            frame.captured_at.monotonic if frame.video_seconds is None else frame.video_seconds
        )
        shown, probability = self._shown(prediction, seconds)
        distance = self._distance_at(prediction, seconds)
        limit = self._limit
        return Assessment(
            shown_label=shown,
            shown_probability=probability,
            uncertain=probability < self._thresholds[shown],
            distance=distance,
            unfamiliar=None if distance is None or limit is None else distance > limit,
        )

    def _take_bundle(self, bundle: Bundle) -> None:
        spec = bundle.spec
        self._bundle = bundle
        self._labels = spec.classes
        self._thresholds = {label: call_threshold(spec, label) for label in spec.classes}
        self._measure = open_feature_distance(bundle) if self._measures_distance else None
        self._limit = None if spec.features is None else spec.features.threshold
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._calm = CalmLabel(self._options)
        self._distance, self._measured_at = None, -np.inf

    def _shown(self, prediction: Prediction, seconds: float) -> tuple[str, float]:
        if prediction.frame.still:
            return prediction.label, prediction.probabilities[prediction.label]
        values = np.fromiter(prediction.probabilities.values(), np.float64, len(self._labels))
        index, mean = self._calm.update(values, seconds)
        return self._labels[index], mean

    def _distance_at(self, prediction: Prediction, seconds: float) -> float | None:
        if self._measure is None:
            return None
        if not 0 <= seconds - self._measured_at < _SECONDS_BETWEEN_DISTANCES:
            self._distance = float(self._measure(prediction.features[None])[0])
            self._measured_at = seconds
        return self._distance
