"""Who is compared with whom, and the files that they run.

Two tasks. *network*: from the network's bytes (uint8 ``[H, W, 3]``) to the top class, normalisation
included where a model takes floats. *loop*: from a frame of any size to the top class, with the
preprocessing of whoever runs it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.absent import Absent
from benchmarks.peers.post_training import (
    float_onnx,
    float_tflite,
    quantize_onnx,
    quantize_tflite,
)
from edge_runtime.bundle import Bundle, Reference
from edge_runtime.errors import GateError
from edge_runtime.files import atomic_write_bytes

__all__ = ["CONTESTANTS", "OURS", "Contestant", "prepare"]

_OPENERS = "benchmarks.peers.openers"


@dataclass(frozen=True)
class Contestant:
    """One way to classify.

    Attributes:
        name: For the table; unique.
        task: ``network`` or ``loop``.
        opener: ``module:function`` that opens its file in a measuring process.
        file: Name of its file; of ours, of the graph in the bundle.
        against: The contestant of ours that its latency is set against; empty for ours.
        environment: Whose Python runs it: ``here`` or ``ultralytics``.
        rounds_a_process: Rounds before its process is replaced by a fresh one.
        in_emulation: Whether the device sets of ``bench emulate`` hold all that it needs.
    """

    name: str
    task: str
    opener: str
    file: str
    against: str = ""
    environment: str = "here"
    rounds_a_process: int = 1
    in_emulation: bool = False


_ONNX, _LITERT, _LOOP = "saliedge INT8, ONNX Runtime", "saliedge INT8, LiteRT", "saliedge loop"
OURS = (_ONNX, _LITERT, _LOOP)

CONTESTANTS = (
    Contestant(_ONNX, "network", f"{_OPENERS}:bundle_onnx", "int8.onnx", in_emulation=True),
    Contestant(
        "ONNX Runtime quantize_static u8s8", "network", f"{_OPENERS}:onnx", "static.onnx", _ONNX,
        in_emulation=True,
    ),
    Contestant(
        "float, ONNX Runtime", "network", f"{_OPENERS}:onnx", "float.onnx", _ONNX,
        in_emulation=True,
    ),
    Contestant(_LITERT, "network", f"{_OPENERS}:bundle_litert", "int8.tflite", in_emulation=True),
    Contestant(
        "ai-edge-quantizer static_wi8_ai8", "network", f"{_OPENERS}:litert", "static.tflite",
        _LITERT, in_emulation=True,
    ),
    Contestant(
        "float, LiteRT", "network", f"{_OPENERS}:litert", "float.tflite", _LITERT,
        in_emulation=True,
    ),
    # These take seconds to start, so their processes live longer.
    Contestant(
        "torch INT8 (FX, oneDNN)", "network", f"{_OPENERS}:torch", "int8.pt", _ONNX,
        rounds_a_process=6,
    ),
    Contestant(_LOOP, "loop", f"{_OPENERS}:bundle_loop", "int8.onnx"),
    Contestant(
        "ultralytics loop", "loop", f"{_OPENERS}:ultralytics", "ultralytics.onnx", _LOOP,
        environment="ultralytics", rounds_a_process=6,
    ),
)  # fmt: skip
"""All of them, in the order of the table."""


def prepare(
    contestant: Contestant,
    bundle: Bundle,
    reference: Reference,
    images: NDArray[np.uint8],
    folder: Path,
    pythons: dict[str, Path],
) -> Path | Absent:
    """Write what a contestant runs.

    Args:
        contestant: Who.
        bundle: The bundle.
        reference: Its float graphs.
        images: uint8 ``[N, H, W, 3]``, network bytes for the calibration.
        folder: Where files go.
        pythons: Environment to its Python.

    Returns:
        The path for its opener (of ours, the bundle's), or why it cannot take part.
    """
    if contestant.environment not in pythons:
        return Absent(f"no Python with it was named (--{contestant.environment})")
    if contestant.name in OURS:
        return bundle.path
    if contestant.file == "static.tflite" and find_spec("ai_edge_quantizer") is None:
        return Absent("not installed: pip install -r benchmarks/peers/requirements.txt")
    target = folder / contestant.file
    try:
        with redirect_stdout(sys.stderr):  # the tools talk
            _WRITERS[contestant.file](reference, images, target)
    except GateError as error:
        return Absent(str(error))
    return target


def _quantize_torch(reference: Reference, images: NDArray[np.uint8], target: Path) -> None:
    from benchmarks.peers.torch_int8 import quantize_torch

    quantize_torch(reference, images, target)


def _write_ultralytics(reference: Reference, images: NDArray[np.uint8], target: Path) -> None:
    from benchmarks.peers.ultralytics_model import ultralytics_onnx

    quantize_onnx(reference, images, target)
    atomic_write_bytes(target, ultralytics_onnx(target.read_bytes(), reference.spec.classes))


_WRITERS: dict[str, Callable[[Reference, NDArray[np.uint8], Path], None]] = {
    "static.onnx": quantize_onnx,
    "static.tflite": quantize_tflite,
    "float.onnx": lambda reference, _, target: atomic_write_bytes(
        target, float_onnx(reference).SerializeToString()
    ),
    "float.tflite": lambda reference, _, target: atomic_write_bytes(
        target, float_tflite(reference)
    ),
    "int8.pt": _quantize_torch,
    "ultralytics.onnx": _write_ultralytics,
}
