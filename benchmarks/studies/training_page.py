"""What was measured of training steps: for programs as JSON, for people as a page of Markdown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from benchmarks.statistics import paired_ratios
from benchmarks.studies.training_profile import KINDS, PARTS, Breakdown
from benchmarks.studies.training_variants import ADDITIONS, BASE, LIMITS, Workload
from edge_runtime.metrics import Interval, bootstrap_median

__all__ = ["Measurement", "Times", "page", "ratio", "verdict"]

_FORMAT = 1


@dataclass(frozen=True)
class Times:
    """Seconds of the steps of one kind, a step for each round.

    Attributes:
        cpu: that the process computed.
        wall: that passed.
    """

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Measurement:
    """All that was measured.

    Attributes:
        workload: what the steps were taken on.
        conditions: of the machine, before.
        times: of each kind of step.
        breakdowns: of each kind of step.
    """

    workload: Workload
    conditions: Mapping[str, Any]
    times: Mapping[str, Times]
    breakdowns: Mapping[str, Breakdown]

    def cpu_ratios(self) -> dict[str, Interval]:
        """CPU time of each kind of step over that of the base."""
        return {name: ratio(found.cpu, self.times[BASE].cpu) for name, found in self.times.items()}

    def wall_ratios(self) -> dict[str, Interval]:
        """Wall time likewise."""
        base = self.times[BASE].wall
        return {name: ratio(found.wall, base) for name, found in self.times.items()}

    def additions(self) -> dict[str, Interval]:
        """CPU time that each of :data:`ADDITIONS` adds, in base steps."""
        return {
            what: ratio(
                np.subtract(self.times[more].cpu, self.times[less].cpu).tolist(),
                self.times[BASE].cpu,
            )
            for what, (more, less) in ADDITIONS.items()
        }

    def limits(self) -> Mapping[str, float]:
        """The limits that hold for this workload; they were set for the default one."""
        return LIMITS if self.workload == Workload() else {}

    def to_json(self) -> dict[str, Any]:
        """The JSON object, with every round."""
        ratios = {"cpu": self.cpu_ratios(), "wall": self.wall_ratios()}
        return {
            "format": _FORMAT,
            "workload": dataclasses.asdict(self.workload),
            "conditions": self.conditions,
            "torch": torch.__version__,
            "limits": dict(self.limits()),
            "ratios": {
                clock: {name: interval.to_json() for name, interval in found.items()}
                for clock, found in ratios.items()
            },
            "additions": {what: found.to_json() for what, found in self.additions().items()},
            "seconds": {name: dataclasses.asdict(found) for name, found in self.times.items()},
            "breakdown": {
                name: dataclasses.asdict(found) for name, found in self.breakdowns.items()
            },
        }


def ratio(seconds: Sequence[float], base: Sequence[float]) -> Interval:
    """The median of the ratios within rounds, with its 95 % interval over other rounds."""
    ratios = paired_ratios(seconds, base)
    return bootstrap_median(ratios, range(len(ratios)))


def verdict(found: Interval, limit: float) -> str:
    """Whether a ratio keeps to its limit, with its whole interval; else ``missed`` or ``open``."""
    if found.high <= limit:
        return "met"
    return "missed" if found.low > limit else "open"


def page(measurement: Measurement, command: str) -> str:
    """The page, which begins with the command that made it."""
    cpu = measurement.cpu_ratios()
    lines = [
        "# What a training step costs",
        "",
        f"    {command}",
        "",
        *_conditions(measurement),
        "",
        f"{len(measurement.times[BASE].cpu)} rounds in turn, every step from the same state. A "
        "ratio is the median over rounds of",
        "the time of a step over that of the base in the same round, with its 95 % bootstrap",
        "interval over rounds. The limits are on CPU time, which other programs on the machine",
        "change least. Reading images, their views and the noise of the mask are not in it.",
        "",
        *_costs(measurement, cpu),
        "",
        "| what is added | CPU time, base steps |",
        "|---|---|",
        *(f"| {what} | {found:.2f} |" for what, found in measurement.additions().items()),
        "",
        "## Where the time goes",
        "",
        "In base steps: the share that torch's profiler gives a part, times the ratio above, so",
        "that a column adds up to its ratio.",
        "",
        *_shares("part of the step", PARTS, measurement, cpu),
        "",
        *_shares("operators", KINDS, measurement, cpu),
    ]
    return "\n".join(lines) + "\n"


def _conditions(measurement: Measurement) -> list[str]:
    workload, config = measurement.workload, measurement.workload.config()
    machine = measurement.conditions["machine"]
    software = measurement.conditions["software"]
    return [
        f"{workload.backbone}, {config.network.width} x {config.network.height} pixels, "
        f"{workload.images} images, {workload.bits} bit, threads: {workload.threads}, "
        "channels-last memory.",
        f"{machine['cpu_model']}, {machine['processors_usable']} processors, load "
        f"{machine['load_average']} before;",
        f"{software['kernel']}, Python {software['python']}, torch {torch.__version__}.",
    ]


def _costs(measurement: Measurement, cpu: Mapping[str, Interval]) -> list[str]:
    lines = [
        "| step | CPU ms | ratio of CPU time | ratio of wall time | at most | |",
        "|---|---|---|---|---|---|",
    ]
    limits, wall = measurement.limits(), measurement.wall_ratios()
    for name, found in measurement.times.items():
        milliseconds = f"{1e3 * float(np.median(found.cpu)):.0f}"
        cells = [name, milliseconds, f"{cpu[name]:.2f}", f"{wall[name]:.2f}", "", ""]
        if name in limits:
            cells[4:] = [f"{limits[name]:g}", verdict(cpu[name], limits[name])]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _shares(
    title: str, order: Sequence[str], measurement: Measurement, cpu: Mapping[str, Interval]
) -> list[str]:
    """Rows in their order, those of ``parts`` or of ``kinds``; a column for each step."""
    columns = {
        name: {**found.parts, **found.kinds} for name, found in measurement.breakdowns.items()
    }
    lines = [f"| {title} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for row in order:
        cells = [
            f"{shares[row] * cpu[name].value:.2f}" if row in shares else ""
            for name, shares in columns.items()
        ]
        if any(cells):
            lines.append(f"| {row} | {' | '.join(cells)} |")
    return lines
