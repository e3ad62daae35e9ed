"""The time of each operator in ONNX Runtime, by its own profiler."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.profile.operators import Operator, Operators
from edge_runtime.bundle import Bundle, GraphSpec, Reference
from edge_runtime.engines.onnx import onnxruntime, session_options

__all__ = ["METHOD", "operators_of_trace", "profile_onnx"]

METHOD = "ONNX Runtime's profiler; the median over the runs"
_KERNEL = "_kernel_time"


def profile_onnx(
    folder: Bundle | Reference,
    graph: GraphSpec,
    images: Sequence[NDArray[np.uint8]],
    runs: int,
    threads: int,
) -> Operators:
    """Profile a graph with the options of every session of this project.

    Args:
        folder: Where the graph is.
        graph: The graph.
        images: uint8 ``[1, H, W, 3]``, in turn.
        runs: Inferences that count; a tenth more go before them.
        threads: Threads of the engine.
    """
    with tempfile.TemporaryDirectory() as place:
        options = session_options(threads)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(place) / "profile")
        session = onnxruntime.InferenceSession(
            folder.read_file(graph.file), sess_options=options, providers=["CPUExecutionProvider"]
        )
        feeds: dict[str, Any] = {}
        if graph.saliency != "none":
            feeds["class_index"] = np.full(1, -1, np.int32)
        for index in range(1 + runs // 10 + runs):
            feeds["image"] = images[index % len(images)]
            session.run(None, feeds)
        events = json.loads(Path(session.end_profiling()).read_bytes())
    version = str(onnxruntime.__version__)
    return Operators(METHOD, version, operators_of_trace(events, runs))


def operators_of_trace(events: Sequence[dict[str, Any]], runs: int) -> tuple[Operator, ...]:
    """Read a trace in Chrome's format as ONNX Runtime writes it.

    Args:
        events: Its events.
        runs: How many of the last runs of each node count.
    """
    times: dict[str, list[float]] = {}
    nodes: dict[str, dict[str, Any]] = {}
    for event in events:
        if event.get("cat") == "Node" and str(event["name"]).endswith(_KERNEL):
            name = str(event["name"]).removesuffix(_KERNEL)
            times.setdefault(name, []).append(event["dur"] / 1e3)
            nodes[name] = event["args"]
    return tuple(
        Operator(name, str(nodes[name]["op_name"]), median(ms[-runs:]), _is_float(nodes[name]))
        for name, ms in times.items()
    )


def _is_float(node: dict[str, Any]) -> bool:
    """Whether a node takes a floating-point tensor with more than one number and gives one."""
    return all(
        any(
            kind.startswith(("float", "double")) and np.prod(shape) > 1
            for tensor in node.get(side) or []
            for kind, shape in tensor.items()
        )
        for side in ("input_type_shape", "output_type_shape")
    )
