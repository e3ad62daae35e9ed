"""Running all parts of a board's report; a part that fails leaves its reason and not a gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.absent import Absent
from benchmarks.configurations import Configuration, find_reference, matrix
from benchmarks.measure import measure_matrix
from benchmarks.profile.measure import measure_profile
from benchmarks.reporting.progress import StatusLine
from benchmarks.subjects import Subject
from benchmarks.sustained.command import measure_sustained
from benchmarks.sustained.run import Endurance
from benchmarks.workload import Workload
from edge_runtime import __version__
from edge_runtime.bundle import Bundle, Reference
from edge_runtime.doctor import CHECKS, System, examine
from edge_runtime.engines import default_engine
from edge_runtime.errors import SaliedgeError

__all__ = ["KIND", "PARTS", "SCHEMA", "Plan", "collect"]

KIND = "saliedge-board-report"
SCHEMA = "1.0"
PARTS = ("doctor", "bench", "profile", "sustained", "camera_pace")
# The disk, the models and the cameras of a device are its owner's business.
_PRIVATE_CHECKS = ("disk", "models", "camera_devices", "camera_permission")
_CAMERA_FPS = 25.0


@dataclass(frozen=True)
class Plan:
    """How long a report takes.

    Attributes:
        workload: Of the benchmark; the profile takes half as many rounds.
        minutes: Of the long run at full speed.
        camera_minutes: Of the run with a map at a camera's pace.
    """

    workload: Workload
    minutes: float
    camera_minutes: float


def collect(
    bundle: Bundle, plan: Plan, say: Callable[[str], None]
) -> tuple[dict[str, Any], list[str]]:
    """Run all parts.

    Args:
        bundle: The bundle; its float reference beside it is measured, too.
        plan: How long.
        say: Told which part begins.

    Returns:
        The JSON object, not scrubbed yet; and a sentence for each part that failed.

    Raises:
        ArtifactError: The float reference is damaged.
    """
    reference = find_reference(bundle)
    parts: dict[str, Callable[[], Any]] = {
        "doctor": _doctor,
        "bench": lambda: _bench(bundle, reference, plan),
        "profile": lambda: _profile(bundle, reference, plan),
        "sustained": lambda: _sustained(bundle, plan, "none", plan.minutes, 0.0),
        "camera_pace": lambda: _sustained(
            bundle, plan, _best_map(bundle), plan.camera_minutes, _CAMERA_FPS
        ),
    }
    record: dict[str, Any] = {"kind": KIND, "schema": SCHEMA, "saliedge": __version__}
    failures = []
    for number, name in enumerate(PARTS):
        say(f"[{number + 1}/{len(PARTS)}] {name.replace('_', ' ')}")
        try:
            record[name] = parts[name]()
        except SaliedgeError as error:
            record[name] = {"absent": str(error)}
            failures.append(f"{name}: {error}")
    return record, failures


def _doctor() -> list[Mapping[str, str]]:
    checks = tuple(check for check in CHECKS if check.__name__ not in _PRIVATE_CHECKS)
    return [finding.to_json() for finding in examine(System(), checks)]


def _bench(bundle: Bundle, reference: Reference | Absent, plan: Plan) -> dict[str, Any]:
    subjects = [Subject(bundle, reference)]
    return measure_matrix(subjects, matrix(bundle, reference), plan.workload).to_json()


def _profile(bundle: Bundle, reference: Reference | Absent, plan: Plan) -> dict[str, Any]:
    chosen = matrix(bundle, reference, (), ("none",)).configurations
    workload = Workload(
        frames=plan.workload.frames,
        warmup=plan.workload.warmup,
        rounds=max(1, plan.workload.rounds // 2),
        threads=plan.workload.threads,
    )
    with StatusLine() as line:
        return measure_profile(bundle, reference, chosen, workload, line.show).to_json()


def _sustained(
    bundle: Bundle, plan: Plan, saliency: str, minutes: float, rate: float
) -> dict[str, Any]:
    configuration = Configuration(default_engine(bundle), "int8", saliency)
    endurance = Endurance(60 * minutes, rate)
    return measure_sustained(bundle, configuration, plan.workload, endurance).to_json()


def _best_map(bundle: Bundle) -> str:
    """The finest map that the bundle has."""
    offered = {graph.saliency for graph in bundle.spec.graphs}
    return next(mode for mode in ("gradient", "gradient-early", "cam", "none") if mode in offered)
