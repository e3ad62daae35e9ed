"""From a frame to a prediction: the stages between a source and the sinks, timed one by one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_runtime.assessment.assessor import Assessment
from edge_runtime.bundle.reader import Bundle
from edge_runtime.closing import Closing
from edge_runtime.engines.base import Engine, Inference
from edge_runtime.errors import UsageError
from edge_runtime.evidence import Evidence, find_evidence
from edge_runtime.preprocessing import FrameMapping
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.smooth_grad import mean_map
from edge_runtime.sources.base import Frame

__all__ = [
    "Classifier",
    "FrameClassifier",
    "ModelIdentity",
    "Prediction",
    "class_index",
    "softmax",
]


@dataclass(frozen=True)
class ModelIdentity:
    """Which model made a prediction; it may be exchanged while a loop runs.

    Attributes:
        name: Name of the bundle.
        sha256: SHA-256 of its ``bundle.json``, 64 lower-case hexadecimal digits.
        engine: Name of the engine, e.g. ``onnx``.
    """

    name: str
    sha256: str
    engine: str


@dataclass
class Prediction:
    """What is known about one frame; complete when the loop hands it to the sinks.

    Attributes:
        frame: The frame.
        label: Class with the highest probability.
        probabilities: Class -> probability, in the order of the logits; they sum to 1.
        features: float32 ``[F]``, pooled features.
        saliency: float32 ``[h, w]`` as the graph gives it, or None.
        saliency_class: Class that ``saliency`` explains, or None.
        mapping: Where the cells of ``saliency`` (without one, the network's pixels) lie in the
            frame.
        timings_ms: Stage -> milliseconds; ``explain`` where there is a map. The loop adds
            ``capture``, and with pictures ``present`` and what laying the map over the frame takes
            to ``explain``.
        model: What made the prediction.
        evidence: What ``saliency`` says, or None without one.
        age_ms: How old the frame was when its prediction was ready, by the loop.
        assessment: The label to show and how far it is to be trusted, by the loop.
    """

    frame: Frame
    label: str
    probabilities: dict[str, float]
    features: NDArray[np.float32]
    saliency: NDArray[np.float32] | None
    saliency_class: str | None
    mapping: FrameMapping
    timings_ms: dict[str, float]
    model: ModelIdentity
    evidence: Evidence | None = None
    age_ms: float = 0.0
    assessment: Assessment | None = None

    @property
    def shown_label(self) -> str:
        """The class to show to a person: the calm one if it was assessed."""
        return self.label if self.assessment is None else self.assessment.shown_label

    @property
    def shown_text(self) -> str:
        """The label to show and its probability, as text; `?` if it should not be relied on."""
        label, assessment = self.shown_label, self.assessment
        value = self.probabilities[label] if assessment is None else assessment.shown_probability
        doubt = " ?" if assessment is not None and assessment.doubtful else ""
        return f"{label}{doubt} {100 * value:.0f} %"


class FrameClassifier(Protocol):
    """What a loop needs of a classifier, whose model may change between two frames."""

    @property
    def bundle(self) -> Bundle:
        """The bundle that classifies at present."""

    def classify(self, frame: Frame) -> Prediction:
        """Classify one frame."""


class Classifier(Closing):
    """A bundle in an engine, for one thread.

    Args:
        bundle: The bundle.
        engine: One of its graphs, opened; it and ``plain`` are closed with the classifier.
        saliency_class: Class to explain; the top class of each frame if None.
        plain: The same engine's graph without a map, opened, for the frames between two maps.
        saliency_every: A map for every how many frames, the first included; the others go through
            ``plain``, which costs less. Needs ``plain`` if above 1.
        shows_map: Whether anybody would see a map now, asked before each frame; a frame that nobody
            would see the map of goes through ``plain``, which it needs. None for always.
        saliency_copies: Noisy copies of the frame whose maps are averaged, see
            :func:`edge_runtime.smooth_grad.mean_map`; 0 for the frame's own map. Needs ``plain`` if
            above 0.

    Raises:
        UsageError: The bundle has no such class.
    """

    def __init__(
        self,
        bundle: Bundle,
        engine: Engine,
        saliency_class: str | None = None,
        plain: Engine | None = None,
        saliency_every: int = 1,
        shows_map: Callable[[], bool] | None = None,
        saliency_copies: int = 0,
    ) -> None:
        if saliency_every < 1:
            raise ValueError(f"saliency_every is 1 or more, not {saliency_every}")
        if plain is None and (saliency_every > 1 or shows_map is not None or saliency_copies > 0):
            raise ValueError("frames without a map of their own need the plain graph")
        self.bundle = bundle
        self.engine = engine
        self.identity = ModelIdentity(bundle.spec.name, bundle.sha256, engine.name)
        self._preprocessing = bundle.spec.preprocessing
        self._classes = bundle.spec.classes
        self._temperature = bundle.spec.temperature
        self._class_index = class_index(bundle, saliency_class)
        self._plain = plain or engine
        self._saliency_every = saliency_every
        self._copies = saliency_copies
        self._shows_map = shows_map or (lambda: True)
        # The floor is of single maps; an average is less concentrated.
        self._signal_floor = None if saliency_copies else _signal_floor(bundle, engine)
        self._frames = 0

    def classify(self, frame: Frame) -> Prediction:
        """Classify one frame; nothing of the result is overwritten by the next."""
        network, classes = self._preprocessing, self._classes
        has_map = self._map_is_due()
        averages = has_map and self._copies > 0
        engine = self.engine if has_map and not averages else self._plain
        start = time.perf_counter()
        network.apply_into(frame.image, engine.input_view()[0])
        ready = time.perf_counter()
        inference = self._averaged() if averages else engine.run_in_place(self._class_index)
        done = time.perf_counter()
        probabilities = softmax(inference.logits, self._temperature)
        timings = {"preprocess": (ready - start) * 1e3, "infer": (done - ready) * 1e3}
        frame_hw = (frame.image.shape[0], frame.image.shape[1])
        mapping = network.mapping(*frame_hw)
        top, explained, evidence = inference.class_index_used, None, None
        if inference.saliency is not None:
            height, width = inference.saliency.shape
            grid = self.engine.graph.map_grid
            mapping = mapping.for_map((height, width), (network.height, network.width), grid)
            top, explained = int(inference.logits.argmax()), classes[inference.class_index_used]
            begun = time.perf_counter()
            evidence = find_evidence(inference.saliency, mapping, frame_hw, self._signal_floor)
            timings["explain"] = (time.perf_counter() - begun) * 1e3
        return Prediction(
            frame=frame,
            label=classes[top],
            probabilities=dict(zip(classes, probabilities.tolist(), strict=True)),
            features=inference.features,
            saliency=inference.saliency,
            saliency_class=explained,
            mapping=mapping,
            timings_ms=timings,
            model=self.identity,
            evidence=evidence,
        )

    def _map_is_due(self) -> bool:
        """Tell whether the next frame has a map: if it is its turn, and is seen."""
        turn = self._frames % self._saliency_every == 0
        self._frames += 1
        return turn and self._shows_map()

    def _averaged(self) -> Inference:
        """Classify what is in the plain graph's input, and average the maps of its noisy copies."""
        image = self._plain.input_view()[0].copy()
        inference = self._plain.run_in_place()
        explained = self._class_index if self._class_index >= 0 else inference.class_index_used
        saliency = mean_map(self.engine, image, explained, self._copies)
        return replace(inference, saliency=saliency, class_index_used=explained)

    def close(self) -> None:
        """Give the engines' memory back."""
        self.engine.close()
        self._plain.close()


def _signal_floor(bundle: Bundle, engine: Engine) -> float | None:
    """What maps of random weights reach at most; of this engine if the export had it."""
    rows = [row for row in bundle.spec.saliency_trust if row.saliency == engine.graph.saliency]
    rows.sort(key=lambda row: row.engine != engine.name)
    return rows[0].signal_floor if rows else None


def class_index(bundle: Bundle, name: str | None) -> int:
    """Return the index of a class, -1 for None (the top class).

    Raises:
        UsageError: The bundle has no such class.
    """
    if name is None:
        return -1
    if name not in bundle.spec.classes:
        raise UsageError(
            f"{bundle.path} has no class {name!r}; choose one of: {', '.join(bundle.spec.classes)}."
        )
    return bundle.spec.classes.index(name)


def softmax(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Return softmax(logits / temperature) (temperature scaling, Guo 2017).

    Args:
        logits: ``[C]``, or ``[N, C]`` for N images.
        temperature: Above zero.

    Returns:
        float64 of the same shape; the classes of an image sum to 1.

    Examples:
        >>> import numpy as np
        >>> softmax(np.array([2.0, 0.0]), temperature=1.0).round(2).tolist()
        [0.88, 0.12]
        >>> softmax(np.array([2.0, 0.0]), temperature=4.0).round(2).tolist()  # less sure
        [0.62, 0.38]
    """
    scaled = np.true_divide(logits, temperature, dtype=np.float64)
    powers = np.exp(scaled - np.maximum.reduce(scaled, axis=-1, keepdims=True))
    shares: NDArray[np.float64] = powers / np.add.reduce(powers, axis=-1, keepdims=True)
    return shares
