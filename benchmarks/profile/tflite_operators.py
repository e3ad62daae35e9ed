"""The time of each operator in LiteRT, from graphs that end ever later.

The interpreter's Python interface has no profiler (ai-edge-litert up to 2.3, tflite-runtime 2.14).
So each operator's time is what a graph that ends behind it takes longer than one that ends before
it: all kernels are the engine's own, with its delegate. What an engine does across operators is
attributed to the later one, and single operators are noisy; sums over types are what to look at
(``benchmarks.studies.operator_spread`` measures how far repeats are apart).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.profile.operators import Operator, Operators
from benchmarks.profile.tflite_prefix import PrefixMaker
from edge_runtime.bundle import Bundle, GraphSpec, Reference
from edge_runtime.engines import ENGINES

__all__ = ["METHOD", "increments", "profile_tflite"]

METHOD = (
    "differences of graphs that end behind each operator, for want of a profiler in the Python "
    "interface; sums over types are what to look at"
)
_PASSES = 3
_FASTEST_PERCENT = 20  # what else the machine does only ever adds to a time


def profile_tflite(
    folder: Bundle | Reference,
    graph: GraphSpec,
    engine: str,
    images: Sequence[NDArray[np.uint8]],
    runs: int,
    threads: int,
) -> Operators:
    """Measure every prefix of a graph, a few times over, in turn.

    Args:
        folder: Where the graph is.
        graph: The graph.
        engine: ``litert`` or ``tflite-runtime``.
        images: uint8 ``[1, H, W, 3]``, in turn.
        runs: Inferences of each prefix in all.
        threads: Threads of the engine.
    """
    package = ENGINES[engine].package
    open_interpreter = import_module(f"{package}.interpreter").Interpreter
    maker = PrefixMaker(folder.read_file(graph.file))
    each = max(2, runs // _PASSES)
    times = np.empty((_PASSES, maker.operators))
    interpreter: Any = None
    for turn in range(_PASSES):
        for count in range(1, maker.operators + 1):
            interpreter = open_interpreter(model_content=maker.prefix(count), num_threads=threads)
            times[turn, count - 1] = _milliseconds(interpreter, images, each)
    # The last one that was opened is the whole graph.
    names = [str(details["op_name"]) for details in interpreter._get_ops_details()]
    floats = _float_tensors(interpreter)
    taken = increments(times.min(axis=0))
    items = tuple(
        Operator(
            name=f"{index} {names[index]}",
            type=names[index],
            ms=float(taken[index]),
            is_float=all(
                any(tensor in floats for tensor in tensors) for tensors in maker.tensors(index)
            ),
        )
        for index in range(maker.operators)
    )
    return Operators(METHOD, version(package.replace("_", "-")), items)


def increments(totals: ArrayLike) -> NDArray[np.float64]:
    """Return what each total adds to the one before it, none of it negative.

    A longer graph takes no less time; where noise says so, neighbours are pooled (isotonic
    regression, Ayer et al., Annals of Mathematical Statistics 26, 1955). The sum is the last total.

    Args:
        totals: ``[N]``, of the first 1, 2, ..., N operators.

    Returns:
        float64 ``[N]``.
    """
    blocks: list[tuple[float, int]] = []
    for total in np.asarray(totals, np.float64):
        blocks.append((float(total), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (later, many), (earlier, some) = blocks.pop(), blocks.pop()
            blocks.append(((later * many + earlier * some) / (many + some), many + some))
    fitted = np.repeat([value for value, _ in blocks], [count for _, count in blocks])
    return np.diff(fitted, prepend=0.0)


def _milliseconds(interpreter: Any, images: Sequence[NDArray[np.uint8]], runs: int) -> float:
    """Time an interpreter: a low percentile of its runs after one that does not count."""
    interpreter.allocate_tensors()
    for details in interpreter.get_input_details():
        if "class_index" in str(details["name"]):
            interpreter.set_tensor(details["index"], np.full(1, -1, np.int32))
    (image,) = (
        details["index"]
        for details in interpreter.get_input_details()
        if "class_index" not in str(details["name"])
    )
    taken = []
    for index in range(1 + runs):
        interpreter.set_tensor(image, images[index % len(images)])
        start = time.perf_counter_ns()
        interpreter.invoke()
        taken.append((time.perf_counter_ns() - start) / 1e6)
    return float(np.percentile(taken[1:], _FASTEST_PERCENT))


def _float_tensors(interpreter: Any) -> set[int]:
    """Indices of the floating-point tensors with more than one number."""
    return {
        details["index"]
        for details in interpreter.get_tensor_details()
        if details["dtype"] in (np.float32, np.float16) and np.prod(details["shape"]) > 1
    }
