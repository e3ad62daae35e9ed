"""A bundle's report from beginning to end: what is built, run and left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.absent import Absent
from benchmarks.conditions import cpu_model
from benchmarks.configurations import find_reference
from benchmarks.emulate.bytecode import ready_userland
from benchmarks.emulate.cache import cache_root
from benchmarks.emulate.counter import build_counter
from benchmarks.emulate.device_sets import DEVICE_SETS, DeviceSet, default_device_set
from benchmarks.emulate.emulator import emulator_version
from benchmarks.emulate.measure import Target, configurations_of, count_instructions
from benchmarks.emulate.processors import PROCESSORS
from benchmarks.emulate.report import EmulationReport
from benchmarks.emulate.tools import require_tools
from benchmarks.report import BundleIdentity
from benchmarks.workload import Workload, synthetic_frames
from edge_runtime.bundle import Bundle
from edge_runtime.errors import ArtifactError, UsageError

__all__ = ["emulate_bundle"]


def emulate_bundle(
    bundle: Bundle,
    processors: Sequence[str] = tuple(PROCESSORS),
    engines: Sequence[str] = ("onnx", "litert"),
    saliencies: Sequence[str] = (),
    device_set: str | None = None,
    jobs: int = 1,
    tell: Callable[[str], None] = lambda line: None,
) -> EmulationReport:
    """Count every graph of a bundle, and of the reference beside it, on emulated processors.

    Args:
        bundle: The bundle.
        processors: Keys of ``PROCESSORS``.
        engines: Keys of ``ENGINES``; they need not be installed on this machine.
        saliencies: Maps to count, all if empty.
        device_set: A key of ``DEVICE_SETS``; the newest that has the engine if None.
        jobs: Processes at a time.
        tell: Told what is being done, in a line.

    Raises:
        UsageError: The device set lacks an engine.
        DependencyError: A program is missing, or packages could not be fetched.
        ArtifactError: The bundle has no such graph.
    """
    require_tools()
    reference = find_reference(bundle)
    left_out = {"float32": reference.reason} if isinstance(reference, Absent) else {}
    sets = {engine: _device_set(engine, device_set) for engine in engines}
    for engine in engines:
        if not configurations_of(engine, bundle, reference, saliencies):
            left_out[engine] = "the bundle has no such graph in its format"
            sets.pop(engine, None)
    if not sets:
        raise ArtifactError(
            f"{bundle.path} has no graph of what was asked for; leave out --engine and --saliency."
        )
    cache = cache_root()
    targets = _targets(sets, processors, cache, tell)
    frames = synthetic_frames(Workload(frames=1, warmup=0, rounds=1, threads=1))
    counts = count_instructions(
        targets,
        bundle,
        reference,
        build_counter(cache),
        np.stack([bundle.spec.preprocessing.apply(frame) for frame in frames[:2]]),
        saliencies=saliencies,
        jobs=jobs,
        on_start=lambda target: tell(f"counting {target.engine} on {target.processor.name}"),
    )
    here = cpu_model(Path("/proc/cpuinfo"))
    return EmulationReport(
        bundle=BundleIdentity.of(bundle),
        emulator=emulator_version(),
        here=here.reason if isinstance(here, Absent) else here,
        counts=counts,
        left_out=left_out,
    )


def _targets(
    sets: Mapping[str, DeviceSet],
    processors: Sequence[str],
    cache: Path,
    tell: Callable[[str], None],
) -> list[Target]:
    """Every engine, in the userland of its device set, on every processor."""
    userlands = {}
    for chosen in dict.fromkeys(sets.values()):
        tell(f"Debian and wheels of {chosen.name} (fetched once, into {cache})")
        userlands[chosen] = ready_userland(chosen, cache)
    return [
        Target(userlands[chosen], PROCESSORS[name], engine)
        for engine, chosen in sets.items()
        for name in processors
    ]


def _device_set(engine: str, name: str | None) -> DeviceSet:
    """The device set that an engine is counted in.

    Raises:
        UsageError: The one of that name lacks the engine.
    """
    chosen = default_device_set(engine) if name is None else DEVICE_SETS[name]
    if engine not in chosen.engines:
        raise UsageError(
            f"The device set {chosen.name!r} has no engine {engine!r}; it has: "
            f"{', '.join(chosen.engines)}."
        )
    return chosen
