"""The measuring process: one configuration, once, in a process that did nothing else before.

``python -m benchmarks.worker`` takes a task on standard input (one line of JSON, then the bytes of
the frames) and answers with one line of JSON on standard output: the round, or the error as one
sentence with its exit code.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from benchmarks.absent import Absent, or_absent, to_json
from benchmarks.configurations import Configuration
from benchmarks.costs import Costs, time_presentation
from benchmarks.exchange import read_frames, read_task, write_answer
from benchmarks.probe import PROBE, MachineProbe
from benchmarks.sensors.process_memory import peak_memory, proportional_memory, resident_memory
from benchmarks.workload import Workload
from edge_runtime.bundle import Bundle, Reference, open_bundle, open_reference
from edge_runtime.engines import Engine, open_engine
from edge_runtime.errors import ArtifactError
from edge_runtime.preprocessing import Preprocessing

__all__ = ["Round", "Task", "check_unchanged", "main", "measure", "open_folder", "time_frames"]


_NOT_SAID = Absent("nobody said when the process was started")
_NO_PROBE = Absent("the version of bench that wrote this had no machine-speed probe")


@dataclass(frozen=True)
class Task:
    """What one process measures.

    Attributes:
        folder: Path of the bundle, or of the reference for ``float32``.
        sha256: Identity that it must have, so that all processes measure the same thing.
        configuration: Engine, precision and saliency.
        workload: How much.
        started_ns: When the process was started, by ``time.monotonic_ns``, or None.
    """

    folder: str
    sha256: str
    configuration: Configuration
    workload: Workload
    started_ns: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Task:
        """Build from the JSON object of :meth:`to_json`."""
        return cls(
            record["folder"],
            record["sha256"],
            Configuration.from_json(record["configuration"]),
            Workload.from_json(record["workload"]),
            record["started_ns"],
        )


@dataclass(frozen=True)
class Round:
    """What one process measured.

    Attributes:
        preprocess_ns: Nanoseconds from a frame to the network's bytes, one for each timed frame.
        inference_ns: Nanoseconds of the engine's run that followed, one for each timed frame.
        load_ns: Importing the engine, reading and checking the graph's file, and loading it.
        first_inference_ns: The first run, in which engines still allocate and pack weights.
        memory_before_load: Resident bytes with the runtime imported and no engine.
        memory_after_load: Resident bytes with the engine and its graph loaded.
        memory_peak: Most resident bytes of the process, the test frames included.
        engine_version: Version of the engine's package.
        costs: What else the process costs.
        probe: Which work the machine-speed probe did, :data:`benchmarks.probe.PROBE` then.
        probe_ns: Nanoseconds of that work after each timed frame; empty without a probe.
    """

    preprocess_ns: tuple[int, ...]
    inference_ns: tuple[int, ...]
    load_ns: int
    first_inference_ns: int
    memory_before_load: int | Absent
    memory_after_load: int | Absent
    memory_peak: int | Absent
    engine_version: str
    costs: Costs = field(default_factory=Costs)
    probe: str | Absent = _NO_PROBE
    probe_ns: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        frames = len(self.inference_ns)
        if not frames or len(self.preprocess_ns) != frames:
            raise ValueError("a round needs as many preprocessing times as inference times")
        if len(self.probe_ns) != (0 if isinstance(self.probe, Absent) else frames):
            raise ValueError("a round needs a time of the probe for each frame, or none at all")

    def stage_ns(self, stage: str) -> npt.NDArray[np.int64]:
        """Nanoseconds of each timed frame.

        Args:
            stage: ``preprocess``, ``inference``, ``total`` of both, or the ``probe`` behind them.
        """
        preprocess = np.array(self.preprocess_ns, np.int64)
        inference = np.array(self.inference_ns, np.int64)
        probe = np.array(self.probe_ns, np.int64)
        total = preprocess + inference
        stages = {"preprocess": preprocess, "inference": inference, "total": total, "probe": probe}
        return stages[stage]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` reads."""
        record = {name: to_json(value) for name, value in vars(self).items()}
        return record | {"costs": self.costs.to_json()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Round:
        """Build from a JSON object; ``ValueError`` says what is wrong with it."""
        try:
            return cls(
                preprocess_ns=tuple(map(int, record["preprocess_ns"])),
                inference_ns=tuple(map(int, record["inference_ns"])),
                load_ns=int(record["load_ns"]),
                first_inference_ns=int(record["first_inference_ns"]),
                memory_before_load=or_absent(record["memory_before_load"], int),
                memory_after_load=or_absent(record["memory_after_load"], int),
                memory_peak=or_absent(record["memory_peak"], int),
                engine_version=str(record["engine_version"]),
                costs=Costs.from_json(record.get("costs")),
                probe=or_absent(record.get("probe", to_json(_NO_PROBE)), str),
                probe_ns=tuple(map(int, record.get("probe_ns", ()))),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("a round lacks a field or holds one of another type") from error


def measure(task: Task, read_frames: Callable[[], npt.NDArray[np.uint8]]) -> Round:
    """Load one graph and time it.

    Args:
        task: What to measure.
        read_frames: Gives uint8 ``[N, h, w, 3]``. Called once the memory after loading is known,
            so that the frames are not in that figure.

    Raises:
        SaliedgeError: The graph or the engine cannot be used.
    """
    ready_ns = time.monotonic_ns()
    configuration, workload = task.configuration, task.workload
    folder = open_folder(task)
    preprocessing = folder.spec.preprocessing
    before_load = resident_memory()
    start = time.perf_counter_ns()
    engine = open_engine(
        configuration.engine,
        folder,
        configuration.saliency,
        configuration.threads or workload.threads,
        configuration.precision,
    )
    with engine:
        load_ns = time.perf_counter_ns() - start
        after_load, pss_after_load = resident_memory(), proportional_memory()
        frames = read_frames()
        network_bytes = np.empty((1, preprocessing.height, preprocessing.width, 3), np.uint8)
        stages_ns, processor_ns = time_frames(
            engine, preprocessing, frames, network_bytes, workload, MachineProbe()
        )
        preprocess_ns, inference_ns, probe_ns = stages_ns.T
        untimed = len(stages_ns) - workload.frames
        peak = peak_memory()
        costs = Costs(
            start_ns=_NOT_SAID if task.started_ns is None else ready_ns - task.started_ns,
            processor_ns=processor_ns,
            pss_after_load=pss_after_load,
            rss_steady=resident_memory(),
            pss_steady=proportional_memory(),
            presentation_ns=time_presentation(
                _drawer(engine, network_bytes, folder), frames, time.perf_counter_ns
            ),
        )
        return Round(
            preprocess_ns=tuple(preprocess_ns[untimed:].tolist()),
            inference_ns=tuple(inference_ns[untimed:].tolist()),
            load_ns=load_ns,
            first_inference_ns=int(inference_ns[0]),
            memory_before_load=before_load,
            memory_after_load=after_load,
            memory_peak=peak,
            engine_version=engine.version,
            costs=costs,
            probe=PROBE,
            probe_ns=tuple(probe_ns[untimed:].tolist()),
        )


def time_frames(
    engine: Engine,
    preprocessing: Preprocessing,
    frames: npt.NDArray[np.uint8],
    network_bytes: npt.NDArray[np.uint8],
    workload: Workload,
    probe: Callable[[], object],
) -> tuple[npt.NDArray[np.int64], int]:
    """Classify the frames of a workload: the first, those of the warm-up, and the timed ones.

    After each the probe does its work, outside of the frame's latency.

    Args:
        engine: What classifies.
        preprocessing: From a frame to ``network_bytes``.
        frames: uint8 ``[N, h, w, 3]``, taken in turn.
        network_bytes: uint8 ``[1, H, W, 3]``, written over.
        workload: How many frames.
        probe: See :class:`benchmarks.probe.MachineProbe`.

    Returns:
        Nanoseconds of preprocessing, of the engine's run and of the probe, int64 ``[frames, 3]``,
        and processor nanoseconds of the timed frames without those of the probe.
    """
    total = 1 + workload.warmup + workload.frames
    stages = np.zeros((total, 3), np.int64)
    clock, processor = time.perf_counter_ns, time.process_time_ns
    untimed, processor_start, of_probe = total - workload.frames, 0, 0
    for index in range(total):
        if index == untimed:
            processor_start, of_probe = processor(), 0
        frame = frames[index % len(frames)]
        begin = clock()
        preprocessing.apply_into(frame, network_bytes[0])
        ready = clock()
        engine.run(network_bytes)
        done = clock()
        of_probe -= processor()
        start = clock()
        probe()
        stages[index] = ready - begin, done - ready, clock() - start
        of_probe += processor()
    return stages, processor() - processor_start - of_probe


def _drawer(
    engine: Engine, network_bytes: npt.NDArray[np.uint8], folder: Bundle | Reference
) -> Callable[[npt.NDArray[np.uint8]], object] | None:
    """Return what draws the map of the last image on a frame; None for a graph without a map."""
    if engine.graph.saliency == "none":
        return None
    saliency = engine.run(network_bytes).saliency
    assert saliency is not None
    from edge_runtime.saliency import overlay

    network = folder.spec.preprocessing
    shape = (saliency.shape[0], saliency.shape[1])

    def draw(frame: npt.NDArray[np.uint8]) -> object:
        mapping = network.mapping(*frame.shape[:2])
        placed = mapping.for_map(shape, (network.height, network.width), engine.graph.map_grid)
        return overlay(frame, saliency, placed)

    return draw


def main() -> None:
    """Serve one task; see this module."""
    write_answer(lambda: {"round": _serve(sys.stdin.buffer).to_json()})


def _serve(stream: BinaryIO) -> Round:
    task = Task.from_json(read_task(stream))
    return measure(task, lambda: read_frames(stream, task.workload))


def open_folder(task: Task) -> Bundle | Reference:
    """Open what a task measures; ``ArtifactError`` if it is another one by now."""
    opener = open_bundle if task.configuration.precision == "int8" else open_reference
    folder: Bundle | Reference = opener(task.folder)
    check_unchanged(folder, task.sha256)
    return folder


def check_unchanged(folder: Bundle | Reference, sha256: str) -> None:
    """Raise ``ArtifactError`` if a folder has another identity than the one to be measured."""
    if folder.sha256 != sha256:
        raise ArtifactError(f"{folder.path} was changed while it was measured; start again.")


if __name__ == "__main__":
    main()
