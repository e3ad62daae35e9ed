"""Predictions for the tests of what takes them: the loop's sinks, statistics and outputs."""

from __future__ import annotations

import numpy as np

from edge_runtime.classifier import ModelIdentity, Prediction
from edge_runtime.evidence import Evidence
from edge_runtime.preprocessing import FrameMapping
from edge_runtime.sources import CaptureTime, Frame

MODEL = ModelIdentity("tiny", "a" * 64, "onnx")
NO_SIGNAL = Evidence(None, None, "the map is all but zero")


def prediction(picture=None, **changes):
    """A prediction of the class `polyp` without a map; `changes` replace its fields."""
    image = np.zeros((1, 1, 3), np.uint8) if picture is None else picture
    fields = {
        "frame": Frame(image, "film.mp4", 0, CaptureTime.now(), "film"),
        "label": "polyp",
        "features": np.zeros(1, np.float32),
        "saliency": None,
        "saliency_class": None,
        "mapping": FrameMapping(1, 1, 0, 0),
        "timings_ms": {},
        "model": MODEL,
        **changes,
    }
    return Prediction(**{"probabilities": {fields["label"]: 0.9}, **fields})
