"""Opening a contestant's file in a measuring process.

Each opener takes the path and the threads, and gives the version of what runs and a function from
an image (uint8 ``[H, W, 3]``, RGB) to the index of the top class. Nothing is imported that the
contestant does not need: these run in other environments and on emulated processors, too.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import minimal_loop

__all__ = ["Opened", "bundle_litert", "bundle_loop", "bundle_onnx", "litert", "onnx"]

Image = NDArray[np.uint8]
Opened = tuple[str, Callable[[Image], int]]


def onnx(path: str, threads: int) -> Opened:
    """A model with a float input ``[1, 3, H, W]`` in ONNX Runtime."""
    engine = minimal_loop.onnx_engine(path, threads)
    return f"onnxruntime {version('onnxruntime')}", _classify(engine)


def litert(path: str, threads: int) -> Opened:
    """A model with a float input ``[1, H, W, 3]`` in LiteRT."""
    engine = minimal_loop.litert_engine(path, threads)
    return f"ai-edge-litert {version('ai-edge-litert')}", _classify(engine)


def torch(path: str, threads: int) -> Opened:
    """A TorchScript file of :mod:`benchmarks.peers.torch_int8`."""
    from benchmarks.peers.torch_int8 import torch_engine

    return f"torch {version('torch')}", _classify(torch_engine(path, threads))


def _classify(engine: minimal_loop.Engine) -> Callable[[Image], int]:
    _, normalise, run = engine

    def classify(image: Image) -> int:
        normalise(image)
        return int(run().argmax())

    return classify


def bundle_onnx(path: str, threads: int) -> Opened:
    """The plain graph of a bundle in ONNX Runtime."""
    return _bundle("onnx", path, threads)


def bundle_litert(path: str, threads: int) -> Opened:
    """The plain graph of a bundle in LiteRT."""
    return _bundle("litert", path, threads)


def _bundle(name: str, path: str, threads: int) -> Opened:
    from edge_runtime.bundle import open_bundle
    from edge_runtime.engines import open_engine

    engine = open_engine(name, open_bundle(path), "none", threads)

    def classify(image: Image) -> int:
        engine.input_view()[0] = image
        return engine.run_in_place().class_index_used

    return f"{name} {engine.version}", classify


def bundle_loop(path: str, threads: int) -> Opened:
    """The classifier of ``edge-infer`` without a map, in ONNX Runtime."""
    from edge_runtime.bundle import open_bundle
    from edge_runtime.classifier import Classifier
    from edge_runtime.engines import open_engine
    from edge_runtime.sources.base import CaptureTime, Frame

    bundle = open_bundle(path)
    engine = open_engine("onnx", bundle, "none", threads)
    classifier = Classifier(bundle, engine)
    classes = {name: index for index, name in enumerate(bundle.spec.classes)}

    def classify(image: Image) -> int:
        frame = Frame(image, "frame", 0, CaptureTime.now(), "frame")
        return classes[classifier.classify(frame).label]

    return f"onnx {engine.version}", classify


def ultralytics(path: str, threads: int) -> Opened:
    """``YOLO(path, task="classify")`` and a call of it for each frame, as its guide has it."""
    # It would look for updates, install packages and report its use otherwise.
    os.environ["YOLO_OFFLINE"], os.environ["YOLO_AUTOINSTALL"] = "true", "false"
    os.environ["YOLO_CONFIG_DIR"] = tempfile.mkdtemp(prefix="ultralytics-")
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    runtime: Any = import_module("onnxruntime")
    options = runtime.SessionOptions

    def with_threads() -> Any:
        made = options()
        made.intra_op_num_threads = threads
        return made

    runtime.SessionOptions = with_threads  # it has no option for the threads of its session
    package: Any = import_module("ultralytics")
    package.settings.update({"sync": False})
    import_module("torch").set_num_threads(threads)
    model = package.YOLO(path, task="classify")

    def classify(image: Image) -> int:
        # It takes BGR, as OpenCV gives it; the view costs nothing.
        (result,) = model(image[..., ::-1], verbose=False)
        return int(result.probs.top1)

    return f"ultralytics {package.__version__}", classify
