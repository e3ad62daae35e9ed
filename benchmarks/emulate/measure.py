"""Deciding what is counted, running it on every processor, and collecting the counts."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import benchmarks
import edge_runtime
from benchmarks.absent import Absent
from benchmarks.configurations import PRECISIONS, SALIENCIES, Configuration, graph_of
from benchmarks.emulate.counter import read_counts
from benchmarks.emulate.emulator import run_python
from benchmarks.emulate.guest import GuestTask, outputs_of
from benchmarks.emulate.multiplications import multiply_accumulates
from benchmarks.emulate.processors import Processor
from benchmarks.emulate.report import Count
from benchmarks.emulate.userland import Userland
from benchmarks.exchange import read_answer
from edge_runtime.bundle import Bundle, Reference
from edge_runtime.engines import ENGINES, installed_engines, open_engine
from edge_runtime.errors import SaliedgeError

__all__ = ["Target", "configurations_of", "copy_packages", "count_instructions"]

_WARMUP, _COUNTED = 2, 3
_Outputs = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Target:
    """One process: an engine on a processor.

    Attributes:
        userland: What it runs in.
        processor: On which.
        engine: Engine.
    """

    userland: Userland
    processor: Processor
    engine: str


def configurations_of(
    engine: str, bundle: Bundle, reference: Reference | Absent, saliencies: Sequence[str] = ()
) -> tuple[Configuration, ...]:
    """Return every graph of a bundle and its reference that an engine loads.

    Args:
        engine: A key of ``ENGINES``; it need not be installed here.
        bundle: The bundle.
        reference: Its float graphs, or why there are none.
        saliencies: Maps that were asked for, all if empty.
    """
    folders = {"int8": bundle, "float32": reference}
    return tuple(
        Configuration(engine, precision, saliency)
        for precision in PRECISIONS
        for saliency in SALIENCIES
        if (not saliencies or saliency in saliencies)
        and _offers(folders[precision], ENGINES[engine].format, precision, saliency)
    )


def copy_packages(folder: Path) -> None:
    """Copy this project's device code to where the emulated Python finds nothing else beside it."""
    for package in (edge_runtime, benchmarks):
        source = Path(str(package.__file__)).parent
        ignored = shutil.ignore_patterns("__pycache__", "studies", "peers", "results")
        shutil.copytree(source, folder / source.name, ignore=ignored)


def count_instructions(
    targets: Sequence[Target],
    bundle: Bundle,
    reference: Reference | Absent,
    counter: Path,
    images: NDArray[np.uint8],
    saliencies: Sequence[str] = (),
    jobs: int = 1,
    on_start: Callable[[Target], None] = lambda target: None,
) -> tuple[Count, ...]:
    """Count every graph of a bundle on every target.

    Args:
        targets: Engines and processors.
        bundle: The bundle.
        reference: Its float graphs, or why there are none.
        counter: The plugin.
        images: Network bytes, uint8 ``[N, H, W, 3]``; the first is counted, the outputs of all are
            compared with those of this machine.
        saliencies: Maps that were asked for, all if empty.
        jobs: Processes at a time.
        on_start: Told each target when its process starts.

    Raises:
        SaliedgeError: A process failed.
    """
    plans = {
        target.engine: configurations_of(target.engine, bundle, reference, saliencies)
        for target in targets
    }
    planned = [item for plan in plans.values() for item in plan]
    graphs = {item: _known(_folder(item, bundle, reference), item, images) for item in planned}
    with tempfile.TemporaryDirectory(prefix="saliedge-emulate-") as name:
        place = Path(name)
        copy_packages(place / "packages")
        np.save(place / "images.npy", images)

        def serve(numbered: tuple[int, Target]) -> _Ran:
            number, target = numbered
            own = place / str(number)
            own.mkdir()
            task = _task(bundle, reference, plans[target.engine], place, own)
            on_start(target)
            return _run(target, task, counter, place / "packages", own)

        with ThreadPoolExecutor(max_workers=jobs) as pool:
            ran = list(pool.map(serve, enumerate(targets)))
    return tuple(
        Count(
            configuration=item,
            graph=graphs[item].file,
            instructions=process.instructions[index],
            macs=graphs[item].macs,
            outputs_as_here=_same(process.outputs[index], graphs[item].outputs),
            **_place(process),
        )
        for process in ran
        for index, item in enumerate(process.configurations)
    )


@dataclass(frozen=True)
class _Known:
    """What is known of a graph without counting it."""

    file: str
    macs: int | Absent
    outputs: _Outputs | Absent


def _known(
    folder: Bundle | Reference, configuration: Configuration, images: NDArray[np.uint8]
) -> _Known:
    graph = graph_of(folder, configuration)
    return _Known(
        graph.file,
        multiply_accumulates(graph.format, folder.read_file(graph.file)),
        _outputs_here(folder, configuration, images),
    )


def _task(
    bundle: Bundle,
    reference: Reference | Absent,
    configurations: tuple[Configuration, ...],
    place: Path,
    own: Path,
) -> GuestTask:
    return GuestTask(
        bundle=str(bundle.path.resolve()),
        reference="" if isinstance(reference, Absent) else str(reference.path.resolve()),
        configurations=configurations,
        images=str(place / "images.npy"),
        outputs=str(own / "outputs.npz"),
        warmup=_WARMUP,
        counted=_COUNTED,
    )


@dataclass(frozen=True)
class _Ran:
    """What a process gave; ``instructions`` and ``outputs`` as long as ``configurations``."""

    target: Target
    configurations: tuple[Configuration, ...]
    instructions: tuple[tuple[int, ...], ...]
    outputs: tuple[_Outputs, ...]
    versions: dict[str, str]


def _run(target: Target, task: GuestTask, counter: Path, packages: Path, place: Path) -> _Ran:
    ended = run_python(
        target.userland,
        target.processor,
        ["-P", "-m", "benchmarks.emulate.guest"],
        packages=[packages],
        counter=(counter, place / "counts"),
        standard_input=json.dumps(task.to_json()).encode(),
    )
    name = f"{target.engine} on {target.processor.name}"
    versions = read_answer(ended, target.engine, name, key="ran")
    graphs = range(len(task.configurations))
    try:
        counts = read_counts(place / "counts")
        if len(counts) != task.counted * len(graphs):
            raise ValueError(f"{len(counts)} counts of {len(graphs)} graphs")
    except ValueError as error:
        raise SaliedgeError(
            f"The counts of {name} are not usable ({error}); this is a bug, report it."
        ) from error
    with np.load(task.outputs, allow_pickle=False) as archive:
        arrays = dict(archive)
    return _Ran(
        target=target,
        configurations=task.configurations,
        instructions=tuple(counts[i * task.counted : (i + 1) * task.counted] for i in graphs),
        outputs=tuple(
            {
                name.partition(".")[2]: values
                for name, values in arrays.items()
                if name.partition(".")[0] == str(index)
            }
            for index in graphs
        ),
        versions=versions,
    )


def _outputs_here(
    folder: Bundle | Reference, configuration: Configuration, images: NDArray[np.uint8]
) -> _Outputs | Absent:
    if configuration.engine not in installed_engines():
        return Absent(f"{configuration.engine} is not installed here")
    engine = open_engine(
        configuration.engine, folder, configuration.saliency, 1, configuration.precision
    )
    with engine:
        return outputs_of(engine, images)


def _place(process: _Ran) -> dict[str, str]:
    """Where a process ran, by the names of :class:`Count`."""
    return {
        "processor": process.target.processor.name,
        "device_set": process.target.userland.device_set.name,
        **{f"{name}_version": process.versions[name] for name in ("engine", "numpy", "python")},
    }


def _same(found: _Outputs, here: _Outputs | Absent) -> bool | Absent:
    """Return whether all outputs have the same bits."""
    if isinstance(here, Absent):
        return here
    return found.keys() == here.keys() and all(
        values.tobytes() == here[name].tobytes() for name, values in found.items()
    )


def _folder(
    configuration: Configuration, bundle: Bundle, reference: Reference | Absent
) -> Bundle | Reference:
    if configuration.precision == "int8":
        return bundle
    if isinstance(reference, Absent):
        raise ValueError(f"a float graph needs the reference: {reference.reason}")
    return reference


def _offers(
    folder: Bundle | Reference | Absent, graph_format: str, precision: str, saliency: str
) -> bool:
    return not isinstance(folder, Absent) and any(
        (graph.format, graph.precision, graph.saliency) == (graph_format, precision, saliency)
        for graph in folder.spec.graphs
    )
