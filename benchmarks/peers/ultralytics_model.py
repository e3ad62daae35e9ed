"""A quantised ONNX model as ultralytics' loop wants it: pixels of 0 to 1, and its record inside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from benchmarks.peers.post_training import INPUT_MEAN, INPUT_SCALE

__all__ = ["ultralytics_onnx"]


def ultralytics_onnx(model: bytes, classes: Sequence[str]) -> bytes:
    """Put the change of range in front of a model of normalised floats.

    Args:
        model: An ONNX model, normalised float32 ``[1, 3, H, W]`` to logits.
        classes: Names in the order of the logits.

    Returns:
        The same for ``images``, float32, 0 to 1, with the metadata that ultralytics reads.
    """
    loaded = onnx.load_model_from_string(model)
    graph, image = loaded.graph, loaded.graph.input[0]
    height = image.type.tensor_type.shape.dim[2].dim_value
    width = image.type.tensor_type.shape.dim[3].dim_value
    taken, image.name = image.name, "images"
    factor, offset = np.float32(255 * INPUT_SCALE), np.float32(INPUT_MEAN * INPUT_SCALE)
    for name, value in (("images/factor", factor), ("images/offset", offset)):
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    graph.node.insert(0, helper.make_node("Mul", ["images", "images/factor"], ["images/scaled"]))
    graph.node.insert(1, helper.make_node("Sub", ["images/scaled", "images/offset"], [taken]))
    record = {
        "task": "classify",
        "stride": "1",
        "batch": "1",
        "imgsz": str([height, width]),
        "names": str(dict(enumerate(classes))),
        "channels": "3",
    }
    helper.set_model_props(loaded, record)
    written: bytes = loaded.SerializeToString()
    return written
