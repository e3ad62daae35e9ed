"""The hand-written frame loop: as little code around the engine as there can be, and no more.

    python -m benchmarks.peers.minimal_loop onnx int8.onnx FRAMES COUNT [TURN]

FRAMES is an ``.npy`` file (uint8 ``[N, H, W, 3]``, RGB) whose frames are gone through in turn, a
film, or a folder of pictures. Everything that can be is allocated once: the resized pictures and
the input, which is written in place. Frames are cut to their centred square, averaged over boxes of
whole pixels and resized by OpenCV's bit-exact linear kernel: the kernel of a bundle's ``crop``, and
the same bytes for boxes of 2 x 2 and of an odd number of pixels. Prints the first label at once,
and at the end one JSON line: nanoseconds for each frame, of wall time and of this thread, and those
that its normalisation took of the latter. With TURN it waits for its turn before every so many
frames of a film, as :mod:`benchmarks.peers.turns` says.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.turns import in_turns

Array = NDArray[Any]
Engine = tuple[int, Callable[[Array], None], Callable[[], Array]]
"""Side of the input; what writes resized bytes into it, normalised; what gives the logits."""

SCALE, OFFSET = np.float32(1 / 128), np.float32(127 / 128)


def frames_of(source: str, count: int, turn: int = 0) -> Iterator[Array]:
    """Yield frames, uint8 ``[H, W, 3]``, RGB; those in memory in turns of so many."""
    path = Path(source)
    if path.suffix == ".npy":
        frames = np.load(path)
        for index in in_turns(count, turn):
            yield frames[index % len(frames)]
        return
    if path.is_file():
        capture = cv2.VideoCapture(source)
        while count and (read := capture.read())[0]:
            yield cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)
            count -= 1
        return
    for file in sorted(path.iterdir())[:count]:
        picture: Any = cv2.imread(str(file))
        yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


class Resize:
    """From a frame to the network's bytes, in pictures that are allocated once."""

    def __init__(self, side: int, frame_h: int, frame_w: int) -> None:
        square = min(frame_h, frame_w)
        factor = max(1, square // side)
        square -= square % factor
        top, left = (frame_h - square) // 2, (frame_w - square) // 2
        self._cut = (slice(top, top + square), slice(left, left + square))
        # The fastest kernel of OpenCV that gives the mean of each box: fixed-point for 2 x 2.
        self._kernel = cv2.INTER_LINEAR_EXACT if factor == 2 else cv2.INTER_AREA
        self.small = np.empty((side, side, 3), np.uint8)
        # Where the boxes' means go: nowhere without boxes, else to the end or half way there.
        size = square // factor
        boxes = self.small if size == side else np.empty((size, size, 3), np.uint8)
        self._boxes = None if factor == 1 else boxes

    def __call__(self, frame: Array) -> Array:
        """Resize one frame into ``small``."""
        part = frame[self._cut]
        if self._boxes is not None:
            size = self._boxes.shape[:2]
            part = cv2.resize(part, size, dst=self._boxes, interpolation=self._kernel)
        if self._boxes is not self.small:
            size = self.small.shape[:2]
            cv2.resize(part, size, dst=self.small, interpolation=cv2.INTER_LINEAR_EXACT)
        return self.small


def onnx_engine(model: str, threads: int = 1) -> Engine:
    """An ONNX Runtime session whose input and output are bound in place."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    onnxruntime: Any = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    image = np.zeros(taken.shape, np.float32)
    logits = np.zeros(given.shape, np.float32)
    binding = session.io_binding()
    for bind, tensor, array in (
        (binding.bind_input, taken, image),
        (binding.bind_output, given, logits),
    ):
        bind(tensor.name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
    answer: Array = logits[0]
    planes = [np.empty(image.shape[2:], np.uint8) for _ in range(3)]

    def normalise(small: Array) -> None:
        # Of nine ways that were tried the fastest: planes first, then whole passes over floats.
        cv2.split(small, planes)
        for plane, target in zip(planes, image[0], strict=True):
            target[...] = plane
            np.multiply(target, SCALE, out=target)
            np.subtract(target, OFFSET, out=target)

    def run() -> Array:
        session.run_with_iobinding(binding)
        return answer

    return image.shape[2], normalise, run


def litert_engine(model: str, threads: int = 1) -> Engine:
    """A LiteRT interpreter whose input is written in place."""
    interpreter: Any = import_module("ai_edge_litert.interpreter").Interpreter(
        model, num_threads=threads
    )
    interpreter.allocate_tensors()
    index = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]
    image = interpreter.tensor(index)

    def normalise(small: Array) -> None:
        target = image()[0]  # asked for anew: the interpreter forbids holding it over a run
        target[...] = small
        np.multiply(target, SCALE, out=target)
        np.subtract(target, OFFSET, out=target)

    def run() -> Array:
        interpreter.invoke()
        answer: Array = interpreter.get_tensor(result)[0]
        return answer

    return int(image().shape[1]), normalise, run


OPENERS = {"onnx": onnx_engine, "litert": litert_engine}


def main(engine: str, model: str, source: str, count: int, turn: int = 0) -> None:
    """Classify the frames."""
    side, normalise, run = OPENERS[engine](model)
    resize: Resize | None = None
    wall, thread, normalising = [], [], []
    for frame in frames_of(source, count, turn):
        wall.append(time.perf_counter_ns())
        thread.append(time.thread_time_ns())
        if resize is None:
            resize = Resize(side, *frame.shape[:2])
        small = resize(frame)
        resized = time.thread_time_ns()
        normalise(small)
        normalising.append(time.thread_time_ns() - resized)
        logits = run()
        powers = np.exp(logits - logits.max())
        top = int(logits.argmax())
        probability = powers[top] / powers.sum()
        if len(wall) == 1:
            print(top, f"{probability:.3f}", flush=True)
    times = {"wall_ns": np.diff(wall).tolist(), "thread_ns": np.diff(thread).tolist()}
    print(json.dumps({**times, "normalise_ns": normalising[:-1]}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], *map(int, sys.argv[4:]))
