"""The process on the emulated processor: an engine's graphs, their inferences between markers.

``python -m benchmarks.emulate.guest`` takes a task as JSON on standard input and answers with one
line of JSON on standard output (see :mod:`benchmarks.exchange`). A marker is the system call
getppid, at which the plugin notes how many instructions were executed.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.configurations import Configuration
from benchmarks.exchange import write_answer
from edge_runtime.bundle import Bundle, Reference, open_bundle, open_reference
from edge_runtime.engines import Engine, open_engine

__all__ = ["GuestTask", "main", "outputs_of", "run_task"]


@dataclass(frozen=True)
class GuestTask:
    """What the process runs.

    Attributes:
        bundle: Path of the bundle.
        reference: Path of its reference; only read for ``float32``.
        configurations: What to run, in this order.
        images: A ``.npy`` file of network bytes, uint8 ``[N, H, W, 3]``.
        outputs: Where the outputs go, a ``.npz`` file: ``INDEX.NAME`` for each configuration.
        warmup: Inferences before the counted ones, in which engines still allocate.
        counted: Inferences between two markers, each on the first image.
    """

    bundle: str
    reference: str
    configurations: tuple[Configuration, ...]
    images: str
    outputs: str
    warmup: int
    counted: int

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> GuestTask:
        """Build from the JSON object of :meth:`to_json`."""
        configurations = tuple(map(Configuration.from_json, record["configurations"]))
        return cls(**{**record, "configurations": configurations})


def run_task(task: GuestTask) -> dict[str, str]:
    """Run the graphs between markers, write their outputs, and tell the versions of what ran."""
    images = np.load(task.images, allow_pickle=False)
    outputs: dict[str, NDArray[np.float32]] = {}
    version = "none"
    for index, wanted in enumerate(task.configurations):
        folder: Bundle | Reference = (
            open_bundle(task.bundle)
            if wanted.precision == "int8"
            else open_reference(task.reference)
        )
        with open_engine(wanted.engine, folder, wanted.saliency, 1, wanted.precision) as engine:
            _count(engine, np.ascontiguousarray(images[:1]), task)
            found = outputs_of(engine, images)
            version = engine.version
        outputs |= {f"{index}.{name}": values for name, values in found.items()}
    with Path(task.outputs).open("wb") as stream:
        np.savez(stream, **outputs)  # type: ignore[arg-type]  # names are no keywords of savez
    return {
        "engine": version,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def outputs_of(engine: Engine, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Return what a graph gives for images, uint8 ``[N, H, W, 3]``, stacked by output."""
    results = [engine.run(image[None]) for image in images]
    outputs = {
        "logits": np.stack([result.logits for result in results]),
        "features": np.stack([result.features for result in results]),
    }
    maps = [result.saliency for result in results if result.saliency is not None]
    return {**outputs, "saliency": np.stack(maps)} if maps else outputs


def _count(engine: Engine, image: NDArray[np.uint8], task: GuestTask) -> None:
    for _ in range(task.warmup):
        engine.run(image)
    gc.collect()
    gc.disable()  # else a collection falls into one of the counts
    for _ in range(task.counted):
        os.getppid()
        engine.run(image)
        os.getppid()
    gc.enable()


def main() -> None:
    """Serve one task; see this module."""
    task = GuestTask.from_json(json.load(sys.stdin))
    write_answer(lambda: {"ran": run_task(task)})


if __name__ == "__main__":
    main()
