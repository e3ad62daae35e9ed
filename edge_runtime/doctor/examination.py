"""All that the doctor looks at, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from edge_runtime.doctor.cameras import camera_devices, camera_permission, pi_camera
from edge_runtime.doctor.finding import Finding
from edge_runtime.doctor.machine import board, clock, memory, power, processor, temperature
from edge_runtime.doctor.software import engines, packages, plugins, python
from edge_runtime.doctor.storage import disk, models
from edge_runtime.doctor.system import System

__all__ = ["CHECKS", "Check", "examine"]

Check = Callable[[System], list[Finding]]

CHECKS: tuple[Check, ...] = (
    board,
    processor,
    memory,
    temperature,
    power,
    clock,
    python,
    packages,
    engines,
    plugins,
    camera_devices,
    camera_permission,
    pi_camera,
    disk,
    models,
)


def examine(system: System, checks: tuple[Check, ...] = CHECKS) -> Iterator[Finding]:
    """Yield the findings of every check, one after the other.

    A check that fails on a system that nobody foresaw is a finding, too: the doctor goes on.
    """
    for check in checks:
        try:
            findings = check(system)
        except Exception as error:
            name = check.__name__.replace("_", " ")
            text = f"could not be looked at ({type(error).__name__}: {error})"
            findings = [Finding(name, "note", text, "tell us: this is a bug of saliedge")]
        yield from findings
