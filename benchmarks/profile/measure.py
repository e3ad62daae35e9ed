"""Profiling every chosen configuration: latencies in turn, then operators, then advice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import median

from benchmarks.absent import Absent
from benchmarks.conditions import conditions
from benchmarks.configurations import Configuration
from benchmarks.exchange import ask, worker_command
from benchmarks.profile.advice import Facts, advise, has_dot_product
from benchmarks.profile.operators import Operators
from benchmarks.profile.report import Profile, ProfileReport
from benchmarks.report import BundleIdentity
from benchmarks.rounds import measure_rounds
from benchmarks.sensors import BoardSensors
from benchmarks.subjects import Subject
from benchmarks.summary import round_medians
from benchmarks.worker import Task
from benchmarks.workload import Workload, synthetic_frames
from edge_runtime.bundle import Bundle, Reference

__all__ = ["measure_profile", "profiled"]

WORKER = worker_command("benchmarks.profile.worker")
_CONVERTING = ("QuantizeLinear", "DequantizeLinear", "QUANTIZE", "DEQUANTIZE", "Cast", "CAST")
_ONE_IS_ALL = Absent("one thread is all that was measured")
_NO_FLOAT = Absent("there is no float graph to compare with")


def measure_profile(
    bundle: Bundle,
    reference: Reference | Absent,
    configurations: Sequence[Configuration],
    workload: Workload,
    say: Callable[[str], None] = lambda text: None,
) -> ProfileReport:
    """Measure and profile configurations.

    Args:
        bundle: The bundle.
        reference: Its float graphs.
        configurations: What to profile.
        workload: How much; ``rounds`` processes of each for the latency.
        say: Told what happens now.

    Raises:
        SaliedgeError: A process failed.
    """
    found, sensors = conditions(), BoardSensors()
    levels = _levels(bundle, reference, configurations, workload, say)
    int8 = [item for item in configurations if item.precision == "int8"]
    alone: Mapping[Configuration, float] = {}
    if workload.threads > 1:
        alone = _levels(bundle, reference, int8, replace(workload, threads=1), say)
    frames = synthetic_frames(workload).tobytes()
    machine, profiles = found["machine"], []
    for configuration in configurations:
        say(f"operators of {configuration.name}")
        folder = bundle if configuration.precision == "int8" else reference
        assert not isinstance(folder, Absent)
        task = Task(str(folder.path), folder.sha256, configuration, workload)
        operators = profiled(task, frames)
        advice: list[str] = []
        if configuration.precision == "int8":
            float_twin = replace(configuration, precision="float32")
            load = machine["load_average"]
            facts = Facts(
                int8_ms=levels[configuration],
                float_ms=levels.get(float_twin, _NO_FLOAT),
                one_thread_ms=alone.get(configuration, _ONE_IS_ALL),
                threads=workload.threads,
                processors=machine["processors_usable"],
                dot_product=has_dot_product(machine),
                float_share=operators.float_share,
                convert_share=_convert_share(operators),
                operators_ms=operators.ms,
                throttled=sensors.read().throttled,
                load=Absent("unknown") if isinstance(load, dict) else load,
            )
            advice = advise(facts)
        profiles.append(Profile(configuration, levels[configuration], operators, tuple(advice)))
    return ProfileReport(BundleIdentity.of(bundle), workload.threads, found, tuple(profiles))


def _levels(
    bundle: Bundle,
    reference: Reference | Absent,
    configurations: Sequence[Configuration],
    workload: Workload,
    say: Callable[[str], None],
) -> dict[Configuration, float]:
    """Median inference of each configuration in milliseconds, measured in turn."""
    results = measure_rounds(
        [Subject(bundle, reference)],
        configurations,
        workload,
        lambda number, item: say(f"latency, round {number + 1} of {workload.rounds}: {item.name}"),
    )
    return {result.configuration: median(round_medians(result.rounds)) for result in results}


def profiled(task: Task, frames: bytes) -> Operators:
    """Profile one configuration in a process of its own.

    Args:
        task: What to profile; its ``frames`` are the inferences that count.
        frames: uint8 frames as its workload says, back to back.

    Raises:
        SaliedgeError: The process failed.
    """
    answer = ask(WORKER, task.to_json(), frames, task.configuration, key="operators")
    return Operators.from_json(answer)


def _convert_share(operators: Operators) -> float:
    taken = sum(item.ms for item in operators.items if item.type in _CONVERTING)
    return taken / operators.ms if operators.ms else 0.0
