"""The counts of a network as a Markdown table: a row for each graph, processors side by side."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.absent import Absent
from benchmarks.configurations import Configuration
from benchmarks.emulate.report import Count, EmulationReport

__all__ = ["count_table", "markdown_table", "ratio_to", "short_name"]

_MILLION = 1e6
_ENGINES = {"onnx": "ONNX Runtime", "litert": "LiteRT"}
_PRECISIONS = {"int8": "INT8", "float32": "float"}
_MAPS = {
    "cam": "class activation map",
    "gradient-early": "gradient at an early map",
    "gradient": "gradient",
}


def count_table(report: EmulationReport) -> str:
    """Return a Markdown table of a report whose counts are of one device set for each engine.

    A row has the millions of instructions on each processor, and three ratios: a graph with a map
    over the one without, INT8 over float, and the count over its bound.
    """
    processors = tuple(dict.fromkeys(count.processor for count in report.counts))
    head = ["engine", "graph"]
    for name in processors:
        head += [short_name(name), "/ no map", "/ float", "/ bound"]
    rows = []
    by_row: dict[tuple[str, Configuration], dict[str, Count]] = {}
    for count in report.counts:
        engine = f"{_ENGINES.get(count.configuration.engine, count.configuration.engine)}"
        key = (f"{engine} {count.engine_version}", count.configuration)
        by_row.setdefault(key, {})[count.processor] = count
    for (engine, configuration), counts in by_row.items():
        cells = [engine, _graph(configuration)]
        for name in processors:
            cells += _cells(report, counts.get(name))
        rows.append([*cells, _same_bits(list(counts.values()))])
    return markdown_table([*head, "bits as on x86"], rows)


def ratio_to(report: EmulationReport, count: Count, precision: str, saliency: str) -> float | None:
    """Return a count over that of another graph in the same place, None if that was not counted.

    Args:
        report: That holds both.
        count: The numerator.
        precision: Of the denominator.
        saliency: Likewise.
    """
    wanted = Configuration(count.configuration.engine, precision, saliency)
    for other in report.counts:
        place = (other.device_set, other.processor)
        if other.configuration == wanted and place == (count.device_set, count.processor):
            return count.figure / other.figure
    return None


def short_name(processor: str) -> str:
    """``A72`` of ``cortex-a72``."""
    return processor.removeprefix("cortex-").upper()


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, each row as long as the head."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _cells(report: EmulationReport, count: Count | None) -> list[str]:
    """Millions, and the ratios to no map, to float and to the bound."""
    if count is None:
        return [""] * 4
    own = count.configuration
    to_plain = to_float = None
    if own.saliency != "none":
        to_plain = ratio_to(report, count, own.precision, "none")
    elif own.precision == "int8":
        to_float = ratio_to(report, count, "float32", "none")
    bound = None if isinstance(count.bound, Absent) else count.figure / count.bound
    return [f"{count.figure / _MILLION:.1f}", *map(_ratio, (to_plain, to_float, bound))]


def _graph(configuration: Configuration) -> str:
    precision = _PRECISIONS[configuration.precision]
    plain = configuration.saliency == "none"
    return precision if plain else f"{precision}, {_MAPS[configuration.saliency]}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _same_bits(counts: Sequence[Count]) -> str:
    found = [count.outputs_as_here for count in counts]
    if any(isinstance(value, Absent) for value in found):
        return ""
    return "yes" if all(found) else "no"
