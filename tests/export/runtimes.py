"""An emitted file in the runtime that it is for."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edge_runtime.engines.onnx import onnxruntime
from export.onnx_format.emitter import emit_onnx
from export.tflite_format.emitter import emit_tflite


def run_onnx(data, images, class_index=None):
    """Outputs by name, the images one after the other; ``class_index`` for saliency graphs."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return _collect(lambda **feeds: session.run(None, feeds), session, images, class_index)


def _collect(run, session, images, class_index):
    names = [output.name for output in session.get_outputs()]
    feeds = _feeds(images, class_index)
    rows = [dict(zip(names, run(**feed), strict=True)) for feed in feeds]
    return {name: np.concatenate([row[name] for row in rows]) for name in names}


def run_tflite(data, images, class_index=None):
    """As :func:`run_onnx`."""
    runner = Interpreter(model_content=data).get_signature_runner("serving_default")
    rows = [runner(**feed) for feed in _feeds(images, class_index)]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def _feeds(images, class_index):
    for position, image in enumerate(images):
        feed = {"image": image[None]}
        if class_index is not None:
            feed["class_index"] = np.array([class_index[position]], np.int32)
        yield feed


RUNTIMES = pytest.mark.parametrize(
    ("emit", "run"), [(emit_onnx, run_onnx), (emit_tflite, run_tflite)], ids=["onnx", "tflite"]
)
