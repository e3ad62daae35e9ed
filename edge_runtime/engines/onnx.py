"""ONNX Runtime on the processor."""

from __future__ import annotations

import os
import platform
from importlib import import_module
from pathlib import Path
from typing import Any

# Wheels from 1.29 on send telemetry (a device id under ~/.cache, a DNS query) unless this is set
# before the import. A medical device must not.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle.graphs import GraphSpec, TensorSpec
from edge_runtime.engines.base import Engine, missing_tensor
from edge_runtime.engines.onnx_files import refers_to_other_files
from edge_runtime.errors import ArtifactError

__all__ = ["OnnxEngine", "session_options"]

# Errors are raised, and said once; ONNX Runtime would also write them to the terminal.
_LOG_FATAL_ONLY = 4
onnxruntime: Any = import_module("onnxruntime")  # it has no type information


class OnnxEngine(Engine):
    """A graph in ONNX Runtime, with its default graph optimisations.

    Raises:
        ArtifactError: ONNX Runtime cannot load the graph, or it lacks a promised tensor.
    """

    graph_format = "onnx"

    def __init__(self, name: str, graph: GraphSpec, model: bytes, threads: int) -> None:
        self.name = name
        self.version = str(onnxruntime.__version__)
        self.graph = graph
        options = session_options(threads)
        if refers_to_other_files(model):
            raise ArtifactError(
                f"ONNX Runtime cannot load the graph {graph.name!r}: it keeps data in other files, "
                f"which a bundle must not, or is damaged; export again."
            )
        try:
            self._session: Any = onnxruntime.InferenceSession(
                model, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own exceptions share no public base class
            raise ArtifactError(
                f"ONNX Runtime {self.version} cannot load the graph {graph.name!r} "
                f"({_first_line(error)}); update it, or export again."
            ) from error
        present = {tensor.name for tensor in self._session.get_inputs()}
        present |= {tensor.name for tensor in self._session.get_outputs()}
        for tensor in (*graph.inputs, *graph.outputs):
            if tensor.name not in present:
                raise missing_tensor(graph, tensor.name)
        # The session reads and writes these arrays where they lie.
        self._inputs = {tensor.name: _array(tensor) for tensor in graph.inputs}
        self._results = {tensor.name: _array(tensor) for tensor in graph.outputs}
        self._binding: Any = self._session.io_binding()
        for bind, arrays in (
            (self._binding.bind_input, self._inputs),
            (self._binding.bind_output, self._results),
        ):
            for tensor_name, array in arrays.items():
                bind(tensor_name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)

    def input_view(self) -> NDArray[np.uint8]:
        """Return the array that the session reads."""
        return self._inputs["image"]

    def _outputs(self, class_index: int) -> dict[str, NDArray[np.float32]]:
        if "class_index" in self._inputs:
            self._inputs["class_index"][0] = class_index
        self._session.run_with_iobinding(self._binding)
        return {name: result.copy() for name, result in self._results.items()}

    def close(self) -> None:
        """Free the session."""
        self._binding = self._session = None


def _array(tensor: TensorSpec) -> NDArray[Any]:
    return np.zeros(tensor.shape, dtype=tensor.dtype)


def session_options(threads: int) -> Any:
    """Return the ``SessionOptions`` that every session of this project is made with.

    The export looks at the optimised graph of exactly these options.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _LOG_FATAL_ONLY
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if _x86_without_vnni():
        # Without VNNI the u8s8 kernels add pairs of products in 16 bits, which saturate; the
        # logits then differ from every other machine's.
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def _x86_without_vnni() -> bool:
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return True
    return "avx512_vnni" not in flags and "avx_vnni" not in flags


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
