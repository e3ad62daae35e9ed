"""The counts as plain text for a terminal."""

from __future__ import annotations

from benchmarks.absent import Absent
from benchmarks.configurations import Configuration
from benchmarks.emulate.processors import PROCESSORS
from benchmarks.emulate.report import WHAT, Count, EmulationReport
from benchmarks.reporting.cells import DASH, number_cell
from benchmarks.reporting.table import numbers_right

__all__ = ["emulation_text"]

_MILLION = 1e6


def emulation_text(report: EmulationReport) -> str:
    """Return a table of every count with its ratios and its distance to the bound."""
    bundle = report.bundle
    lines = [
        f"{bundle.file}  sha256 {bundle.sha256[:16]}  input {bundle.width} x {bundle.height}",
        f"{WHAT}: one inference, one thread",
        report.emulator,
    ]
    by_graph = {
        (count.device_set, count.processor, count.configuration): count for count in report.counts
    }
    head = (
        "graph", "processor", "million instructions", "/ float", "/ no map", "million MACs",
        "/ bound", "outputs as here", "device set", "versions",
    )  # fmt: skip
    rows = []
    for count in report.counts:
        own, place = count.configuration, (count.device_set, count.processor)
        as_float = by_graph.get((*place, Configuration(own.engine, "float32", own.saliency)))
        plain = by_graph.get((*place, Configuration(own.engine, own.precision, "none")))
        rows.append(
            (
                own.name,
                count.processor,
                f"{count.figure / _MILLION:.3f}",
                _ratio(count, as_float if own.precision == "int8" else None),
                _ratio(count, plain if own.saliency != "none" else None),
                number_cell(count.macs, 1, _MILLION),
                DASH if isinstance(count.bound, Absent) else f"{count.figure / count.bound:.2f}",
                _yes(count.outputs_as_here),
                count.device_set,
                f"{own.engine} {count.engine_version}, Python {count.python_version}, "
                f"numpy {count.numpy_version}",
            )
        )
    return "\n".join(lines) + "\n\n" + numbers_right(head, rows) + "\n\n" + _notes(report)


def _notes(report: EmulationReport) -> str:
    lines = [f"Outputs as here: the same bits in every output as on this machine ({report.here})."]
    for name in dict.fromkeys(count.processor for count in report.counts):
        processor = PROCESSORS[name]
        lines.append(
            f"Bound on {name} ({processor.board}): the multiply-accumulates alone, "
            f"{processor.int8_macs} int8 in one {processor.int8_instruction}, "
            f"{processor.float32_macs} float32 in one {processor.float32_instruction}."
        )
    reasons: dict[str, None] = {}
    for count in report.counts:
        found = (count.macs, count.outputs_as_here)
        reasons |= {value.reason: None for value in found if isinstance(value, Absent)}
    lines += [f"Absent: {reason}." for reason in reasons]
    lines += [f"Left out: {name} ({reason})." for name, reason in report.left_out.items()]
    return "\n".join(lines)


def _ratio(count: Count, other: Count | None) -> str:
    return DASH if other is None else f"{count.figure / other.figure:.3f}"


def _yes(value: bool | Absent) -> str:
    return DASH if isinstance(value, Absent) else ("yes" if value else "no")
