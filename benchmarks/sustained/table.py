"""A long run as plain text for a terminal."""

from __future__ import annotations

from benchmarks.absent import Absent
from benchmarks.reporting.cells import DASH
from benchmarks.reporting.table import machine_lines, plural
from benchmarks.sustained.report import SustainedReport
from edge_runtime.reporting.text_table import text_table

__all__ = ["FIGURES", "conditions_lines", "figure_rows", "notes_lines", "sustained_text"]

FIGURES = ("figure", "value")
_MIB = 1 << 20


def sustained_text(report: SustainedReport) -> str:
    """Return the conditions, the verdict and the figures."""
    return "\n\n".join(
        [
            "\n".join(conditions_lines(report)),
            "\n".join(report.verdict.sentences),
            text_table(FIGURES, figure_rows(report)),
            "\n".join(notes_lines(report)),
        ]
    )


def conditions_lines(report: SustainedReport) -> list[str]:
    """What ran on what machine, and how."""
    engine = f"{report.configuration.engine} {report.engine_version}"
    return [
        *machine_lines(report.bundle, report.conditions, engine),
        f"{report.configuration.name}, {plural(report.workload.threads, 'thread')}, for "
        f"{report.seconds / 60:.1f} minutes: {report.source}, "
        f"{report.workload.frame_width} x {report.workload.frame_height}",
    ]


def figure_rows(report: SustainedReport) -> list[tuple[str, str]]:
    """A line for each figure under :data:`FIGURES`."""
    return [
        (name, DASH if isinstance(value, Absent) else value)
        for name, value in _figures(report).items()
    ]


def notes_lines(report: SustainedReport) -> list[str]:
    """Why figures are absent."""
    names_of: dict[str, list[str]] = {}
    for name, value in _figures(report).items():
        if isinstance(value, Absent):
            names_of.setdefault(value.reason, []).append(name)
    return [f"Absent: {', '.join(names)} ({reason})." for reason, names in names_of.items()]


def _figures(report: SustainedReport) -> dict[str, str | Absent]:
    stages = ", ".join(f"{stage} {value:.2f}" for stage, value in report.stages_ms.items())
    age, energy = report.age_ms, report.energy
    by = "" if isinstance(report.power, Absent) else f" ({report.power})"
    return {
        "frames a second": f"{report.fps:.1f} ({report.frames} frames)",
        "stages, median ms": stages,
        "age of a frame when shown": f"median {age['p50']:.1f} ms, at most {age['max']:.1f} ms",
        "frames never taken": _text(report.dropped, "{:d}"),
        "processors kept busy": _text(report.usage("processors"), "{:.2f}"),
        "processors of other work": _text(report.usage("other_processors"), "{:.2f}"),
        "memory, RSS": _text(report.usage("resident_bytes"), "{:.0f} MiB", _MIB),
        "memory, PSS": _text(report.usage("proportional_bytes"), "{:.0f} MiB", _MIB),
        "power": _text(energy.watts, f"{{:.2f}} W{by}"),
        "power before": _text(report.idle_watts, "{:.2f} W"),
        "energy of a frame": _text(energy.joules_per_frame, "{:.4f} J"),
        "of it above that of waiting": _text(energy.joules_above_idle, "{:.4f} J"),
        "hours on the battery": _text(energy.battery_hours, "{:.1f}"),
    }


def _text(value: float | Absent, form: str, unit: float | None = None) -> str | Absent:
    if isinstance(value, Absent):
        return value
    return form.format(value if unit is None else value / unit)
