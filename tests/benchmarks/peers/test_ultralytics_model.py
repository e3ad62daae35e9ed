"""The model for ultralytics' loop computes the same from pixels of 0 to 1."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from benchmarks.peers.post_training import calibration_images, float_onnx, normalised
from benchmarks.peers.ultralytics_model import ultralytics_onnx
from edge_runtime.bundle import open_bundle, open_reference
from edge_runtime.engines.onnx import onnxruntime


def _logits(model, name, image):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {name: image})[0]


def test_it_takes_pixels_of_0_to_1(tiny_bundle):
    reference = open_reference(tiny_bundle.with_name("tiny.reference"))
    model = float_onnx(reference).SerializeToString()
    image = calibration_images(open_bundle(tiny_bundle))[:1]
    planes = normalised(image).transpose(0, 3, 1, 2)
    pixels = (image / 255).astype(np.float32).transpose(0, 3, 1, 2)
    adapted = ultralytics_onnx(model, reference.spec.classes)
    expected = _logits(model, "image/real", planes)
    assert _logits(adapted, "images", pixels) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_it_names_the_classes(tiny_bundle):
    reference = open_reference(tiny_bundle.with_name("tiny.reference"))
    adapted = ultralytics_onnx(float_onnx(reference).SerializeToString(), ("a", "b", "c"))
    properties = {item.key: item.value for item in onnx.load_from_string(adapted).metadata_props}
    assert properties["names"] == "{0: 'a', 1: 'b', 2: 'c'}"
    assert properties["task"] == "classify"
