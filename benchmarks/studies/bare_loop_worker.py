"""A bare timing loop: an engine, its clock, and nothing of ``bench``.

    python -m benchmarks.studies.bare_loop_worker onnx int8.onnx FRAMES THREADS WARMUP COUNT [SIDE]

FRAMES is an ``.npy`` file, uint8 ``[N, h, w, 3]``, whose frames are resized to the network's input
once. With SIDE a frame is resized to so many pixels between two inferences, too, outside of what is
timed: a camera's frame then takes the processor's caches as it does in a product. Prints the
nanoseconds of each counted inference as one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Loaded = tuple[int, int, Callable[[Image], object]]
"""Height and width of the input, and what classifies a uint8 image ``[1, H, W, 3]``."""


def load_onnx(model: str, threads: int) -> Loaded:
    """A session with the project's options: other options would be other kernels."""
    from edge_runtime.engines.onnx import onnxruntime, session_options

    session: Any = onnxruntime.InferenceSession(
        model, sess_options=session_options(threads), providers=["CPUExecutionProvider"]
    )
    _, height, width, _ = session.get_inputs()[0].shape
    return height, width, lambda image: session.run(None, {"image": image})


def load_litert(model: str, threads: int) -> Loaded:
    """An interpreter as its documentation shows it."""
    interpreter: Any = import_module("ai_edge_litert.interpreter").Interpreter(
        model, num_threads=threads
    )
    interpreter.allocate_tensors()
    (taken,) = interpreter.get_input_details()
    outputs = [details["index"] for details in interpreter.get_output_details()]

    def run(image: Image) -> object:
        interpreter.set_tensor(taken["index"], image)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in outputs]

    _, height, width, _ = taken["shape"]
    return int(height), int(width), run


LOADERS = {"onnx": load_onnx, "litert": load_litert}


def time_loop(
    run: Callable[[Image], object],
    images: list[Image],
    frames: Image,
    counts: tuple[int, int],
    side: int,
) -> list[int]:
    """Time inferences one after the other.

    Args:
        run: What classifies an image.
        images: uint8 ``[1, H, W, 3]``, in turn.
        frames: uint8 ``[N, h, w, 3]``, resized in between if ``side`` is not 0.
        counts: Inferences that do not count, and those that do.
        side: Of the picture that a frame is resized to, in pixels.

    Returns:
        Nanoseconds of each that counts.
    """
    warmup, count = counts
    scratch = np.empty((side, side, 3), np.uint8)
    taken = []
    for index in range(warmup + count):
        if side:
            cv2.resize(frames[index % len(frames)], (side, side), dst=scratch)
        image = images[index % len(images)]
        start = time.perf_counter_ns()
        run(image)
        taken.append(time.perf_counter_ns() - start)
    return taken[warmup:]


def main(engine: str, model: str, source: str, *numbers: str) -> None:
    """Load, warm up, time, print."""
    threads, warmup, count, side = (*map(int, numbers), 0)[:4]
    cv2.setNumThreads(1)
    height, width, run = LOADERS[engine](model, threads)
    frames = np.load(source)
    images = [np.ascontiguousarray(cv2.resize(frame, (width, height))[None]) for frame in frames]
    print(json.dumps(time_loop(run, images, frames, (warmup, count), side)))


if __name__ == "__main__":
    main(*sys.argv[1:])
