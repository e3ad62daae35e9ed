"""The report as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.absent import Absent
from benchmarks.report import BundleIdentity, Report, Result
from benchmarks.reporting.cells import DASH, number_cell
from benchmarks.summary import Ratio
from edge_runtime.reporting.text_table import text_table

__all__ = [
    "COSTS",
    "FIGURES",
    "RATIOS",
    "conditions_lines",
    "cost_rows",
    "figure_rows",
    "machine_lines",
    "notes_lines",
    "numbers_right",
    "plural",
    "ratio_rows",
    "report_text",
]

FIGURES = (
    "configuration", "p50 ms", "p90 ms", "p99 ms", "p50 of rounds", "preprocess ms", "FPS",
    "RSS MiB", "peak MiB", "model MB",
)  # fmt: skip
RATIOS = ("ratio of median inference", "median", "interval", "confidence", "difference ms")
COSTS = (
    "configuration", "cold start ms", "first run ms", "drawing ms", "processors", "PSS MiB",
    "steady RSS MiB", "steady PSS MiB",
)  # fmt: skip

_MIB = 1 << 20
_MB = 1e6


def report_text(report: Report) -> str:
    """Return the conditions, the figures of each configuration, the ratios and what is absent."""
    sections = [
        "\n".join(conditions_lines(report)),
        numbers_right(FIGURES, figure_rows(report.results)),
        numbers_right(COSTS, cost_rows(report.results)),
        numbers_right(RATIOS, ratio_rows(report.ratios)) if report.ratios else "",
        _stability(report),
        "\n".join(notes_lines(report)),
    ]
    return "\n\n".join(section for section in sections if section)


def conditions_lines(report: Report) -> list[str]:
    """What was measured on what machine, and how."""
    workload = report.workload
    engines = ", ".join(f"{name} {version}" for name, version in report.engine_versions.items())
    frame = f"{workload.frame_width} x {workload.frame_height}"
    *fewer, last = sorted(report.thread_counts) or [workload.threads]
    threads = plural(last, "thread")
    if fewer:
        threads = f"{', '.join(map(str, fewer))} and {threads}"
    return [
        *(_bundle_line(bundle) for bundle in report.bundles[:-1]),
        *machine_lines(report.bundles[-1], report.conditions, engines),
        f"{plural(workload.rounds, 'round')} in turn, each process: "
        f"{workload.warmup} frames to warm up, {workload.frames} timed; "
        f"{threads}, synthetic frames {frame}",
    ]


def machine_lines(bundle: BundleIdentity, conditions: Mapping[str, Any], engines: str) -> list[str]:
    """Which bundle, which machine, which software."""
    machine, software = conditions["machine"], conditions["software"]
    board = machine["board"]
    name = [] if isinstance(board, dict) else [board]
    flags = _shown(machine["cpu_flags"])
    return [
        _bundle_line(bundle),
        f"{', '.join([*name, _shown(machine['cpu_model'])])} ({flags}), "
        f"{machine['processors_usable']} of {machine['processors']} processors usable, load "
        f"{_shown(machine['load_average'])}",
        f"{software['kernel']}, Python {software['python']}, {engines}",
    ]


def _bundle_line(bundle: BundleIdentity) -> str:
    return f"{bundle.file}  sha256 {bundle.sha256[:16]}  input {bundle.width} x {bundle.height}"


def figure_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """A line for each configuration, under :data:`FIGURES`."""
    rows = []
    for result in results:
        summary = result.summary
        inference = summary.stages_ms["inference"]
        by_round = summary.inference_p50_by_round_ms
        rows.append(
            (
                result.configuration.name,
                *(number_cell(inference[name], 3) for name in ("p50", "p90", "p99")),
                f"{min(by_round):.3f} to {max(by_round):.3f}",
                number_cell(summary.stages_ms["preprocess"]["p50"], 3),
                number_cell(summary.fps, 1),
                number_cell(summary.memory_after_load_bytes, 0, _MIB),
                number_cell(summary.memory_peak_bytes, 0, _MIB),
                number_cell(result.model_bytes, 3, _MB),
            )
        )
    return rows


def cost_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """A line for each configuration, under :data:`COSTS`."""
    rows: list[tuple[str, ...]] = []
    for result in results:
        summary, costs = result.summary, result.summary.costs
        rows.append(
            (
                result.configuration.name,
                number_cell(costs.cold_start_ms, 0),
                number_cell(summary.first_inference_ms, 1),
                number_cell(costs.presentation_ms, 2),
                number_cell(costs.processors, 2),
                number_cell(costs.pss_after_load_bytes, 0, _MIB),
                number_cell(costs.rss_steady_bytes, 0, _MIB),
                number_cell(costs.pss_steady_bytes, 0, _MIB),
            )
        )
    return rows


def ratio_rows(found: Sequence[Ratio]) -> list[tuple[str, ...]]:
    """A line for each ratio, under :data:`RATIOS`."""
    return [
        (
            f"{ratio.numerator.name} / {ratio.denominator.name}",
            f"{ratio.interval.median:.3f}",
            DASH
            if isinstance(ratio.interval.low, Absent) or isinstance(ratio.interval.high, Absent)
            else f"{ratio.interval.low:.3f} to {ratio.interval.high:.3f}",
            f"{100 * ratio.interval.confidence:.1f} %",
            f"{ratio.difference_ms:+.3f}",
        )
        for ratio in found
    ]


def _stability(report: Report) -> str:
    if not report.findings:
        return "Stable: the processes agree with each other, and none was still warming up."
    return "\n".join(["Not stable:", *(f"  {sentence}" for sentence in report.findings)])


def notes_lines(report: Report) -> list[str]:
    """What each column means where it may be misread, and why figures are absent."""
    lines = [
        "p50 to p99: inference alone. FPS: preprocessing and inference, one frame after the other.",
        "RSS: engine and graph loaded, before the first frame. Peak: with the test frames. PSS: "
        "pages shared with other processes divided among them.",
        "Cold start: from starting the process to its first result. Drawing: a map onto its frame, "
        "timed after the frames. Processors: kept busy by the timed frames.",
    ]
    sizes = {
        name: f"{size / _MB:.1f}"
        for name, size in report.installed_bytes.items()
        if not isinstance(size, Absent)
    }
    if sizes:
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        lines.append(f"Installed, MB: {told}.")
    reasons: dict[str, None] = {}
    for result in report.results:
        summary = result.summary
        figures = [
            *summary.stages_ms["inference"].values(),
            summary.memory_after_load_bytes,
            summary.memory_peak_bytes,
            *vars(summary.costs).values(),
        ]
        reasons |= {figure.reason: None for figure in figures if isinstance(figure, Absent)}
    for ratio in report.ratios:
        if isinstance(ratio.interval.low, Absent):
            reasons[ratio.interval.low.reason] = None
    lines += [f"Absent: {reason}." for reason in reasons]
    names_of: dict[str, list[str]] = {}
    for name, reason in report.left_out.items():
        names_of.setdefault(reason, []).append(name)
    lines += [f"Left out: {', '.join(names)} ({reason})." for reason, names in names_of.items()]
    return lines


def _shown(value: Any) -> str:
    """Return an entry of the conditions for people."""
    if isinstance(value, dict):
        return str(value["absent"])
    return " ".join(value) if isinstance(value, list) else str(value)


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, which takes an s."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def numbers_right(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column is ranged left and whose others are ranged right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def ranged(row: Sequence[str]) -> list[str]:
        numbers = zip(row[1:], widths[1:], strict=True)
        return [row[0], *(cell.rjust(width) for cell, width in numbers)]

    return text_table(ranged(head), [ranged(row) for row in rows])
