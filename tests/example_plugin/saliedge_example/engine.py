"""An engine: onnx's own reference, in plain Python, slow and independent of any kernel."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from edge_runtime.bundle import GraphSpec
from edge_runtime.engines import Engine

__all__ = ["OnnxReferenceEngine"]


class OnnxReferenceEngine(Engine):
    graph_format = "onnx"

    def __init__(self, name: str, graph: GraphSpec, model: bytes, threads: int) -> None:
        self.name, self.version, self.graph = name, onnx.__version__, graph
        self._evaluator = ReferenceEvaluator(onnx.load_from_string(model))
        self._outputs_wanted = [tensor.name for tensor in graph.outputs]
        self._image = np.zeros(graph.input("image").shape, np.uint8)

    def input_view(self) -> NDArray[np.uint8]:
        return self._image

    def _outputs(self, class_index: int) -> dict[str, NDArray[np.float32]]:
        feeds = {"image": self._image}
        if self.graph.saliency != "none":
            feeds["class_index"] = np.array([class_index], np.int32)
        found = self._evaluator.run(self._outputs_wanted, feeds)
        return dict(zip(self._outputs_wanted, found, strict=True))

    def close(self) -> None:
        pass
