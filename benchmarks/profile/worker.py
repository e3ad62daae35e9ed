"""The process that profiles one graph, once, in a process that did nothing else before.

``python -m benchmarks.profile.worker`` takes a task (a line of JSON, then the bytes of the frames)
as ``benchmarks.worker`` does; its ``frames`` are the inferences that count.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.configurations import graph_of
from benchmarks.exchange import read_frames, read_task, write_answer
from benchmarks.profile.operators import Operators
from benchmarks.worker import Task, open_folder

__all__ = ["main", "profile"]


def profile(task: Task, frames: NDArray[np.uint8]) -> Operators:
    """Profile the graph of a task.

    Args:
        task: What to profile.
        frames: uint8 ``[N, h, w, 3]``.

    Raises:
        SaliedgeError: The graph or the engine cannot be used.
    """
    folder, engine = open_folder(task), task.configuration.engine
    graph, workload = graph_of(folder, task.configuration), task.workload
    images = [folder.spec.preprocessing.apply(frame)[None] for frame in frames]
    if engine == "onnx":
        from benchmarks.profile.onnx_operators import profile_onnx

        return profile_onnx(folder, graph, images, workload.frames, workload.threads)
    from benchmarks.profile.tflite_operators import profile_tflite

    return profile_tflite(folder, graph, engine, images, workload.frames, workload.threads)


def main() -> None:
    """Serve one task; see this module."""
    write_answer(_serve)


def _serve() -> dict[str, Any]:
    stream = sys.stdin.buffer
    task = Task.from_json(read_task(stream))
    return {"operators": profile(task, read_frames(stream, task.workload)).to_json()}


if __name__ == "__main__":
    main()
