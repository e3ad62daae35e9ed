"""The tables of the pages about arm64, out of the reports that were committed.

    python -m benchmarks.studies.arm64_pages

Writes what stands between two marks on ``docs/results/arm64.md`` and
``docs/results/virtual-machine.md``; a test holds that it is what the reports say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.absent import Absent
from benchmarks.configurations import Configuration
from benchmarks.emulate.markdown import count_table, markdown_table, ratio_to, short_name
from benchmarks.emulate.processors import PROCESSORS
from benchmarks.emulate.report import Count, EmulationReport, read_emulation_report
from benchmarks.vm.memory import memory_table, read_peaks
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import ArtifactError, run_command
from edge_runtime.files import atomic_write_text

__all__ = ["COUNTS", "MEMORY", "UNTRAINED", "pages", "replaced", "targets_table",
           "write_pages"]  # fmt: skip

ROOT = Path(__file__).parents[2]
UNTRAINED = {"mobilenet_v2": 96, "resnet18": 96, "squeeze_cnn": 96, "small_cnn": 160}
"""Network that is counted with random weights -> side of its square input."""
_FOLDER = ROOT / "benchmarks/results/arm64"
COUNTS = {
    name: _FOLDER / f"{name}-{side}.json"
    for name, side in {"efficientnet_lite0": 160, **UNTRAINED}.items()
}
"""Network -> report of its counts, in the order of the page."""
MEMORY = _FOLDER / "device-memory.json"
_COUNTS_PAGE = ROOT / "docs/results/arm64.md"
_MEMORY_PAGE = ROOT / "docs/results/virtual-machine.md"


@dataclass(frozen=True)
class _Target:
    """What EfficientNet-Lite0 was to reach.

    Attributes:
        engine: Engine.
        saliency: Map; ``none`` has a limit of millions, a map a ratio to the graph without.
        limits: Processor -> limit.
    """

    engine: str
    saliency: str
    limits: dict[str, float]


_TARGETS = (
    _Target("litert", "none", {"cortex-a72": 72.0, "cortex-a76": 33.0}),
    _Target("onnx", "none", {"cortex-a72": 75.3, "cortex-a76": 41.0}),
    _Target("litert", "gradient-early", {"cortex-a72": 1.8, "cortex-a76": 1.8}),
    _Target("onnx", "gradient-early", {"cortex-a72": 1.8, "cortex-a76": 1.8}),
    _Target("litert", "gradient", {"cortex-a72": 3.0, "cortex-a76": 3.0}),
    _Target("onnx", "gradient", {"cortex-a72": 3.0, "cortex-a76": 3.4}),
)


def targets_table(report: EmulationReport) -> str:
    """Return what was wanted of a network's INT8 graphs beside what was counted."""
    rows = []
    for target in _TARGETS:
        for processor, limit in target.limits.items():
            count = _count_of(report, target.engine, target.saliency, processor)
            if target.saliency == "none":
                what, found, unit = "without a map", count.figure / 1e6, " million"
            else:
                ratio = ratio_to(report, count, "int8", "none")
                assert ratio is not None
                what, found, unit = f"{target.saliency} / no map", ratio, ""
            digits = 1 if unit else 2
            rows.append(
                (
                    target.engine,
                    short_name(processor),
                    what,
                    f"{limit:.1f}{unit}",
                    f"{found:.{digits}f}{unit}",
                    "yes" if found <= limit else "**no**",
                )
            )
    return markdown_table(("engine", "processor", "graph", "at most", "counted", "met"), rows)


def replaced(text: str, name: str, content: str) -> str:
    """Put content between ``<!-- NAME: made by ... -->`` and ``<!-- end of NAME -->``.

    Raises:
        ArtifactError: The marks are not there, each once and in a line of its own.
    """
    begin = f"<!-- {name}: made by python -m benchmarks.studies.arm64_pages -->\n"
    end = f"<!-- end of {name} -->\n"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed) or begin in after or end in after:
        raise ArtifactError(f"the page has not the two marks of {name!r} that it needs.")
    return f"{before}{begin}\n{content}\n\n{end}{after}"


def pages() -> dict[Path, str]:
    """Return each page as the reports have it.

    Raises:
        ArtifactError: A report is missing or damaged, or a page lacks its marks.
    """
    reports = {name: read_emulation_report(path) for name, path in COUNTS.items()}
    counts = replaced(
        _COUNTS_PAGE.read_text(encoding="utf-8"),
        "counts",
        "\n\n".join(_section(name, report) for name, report in reports.items()),
    )
    counts = replaced(counts, "targets", targets_table(reports["efficientnet_lite0"]))
    memory = _MEMORY_PAGE.read_text(encoding="utf-8")
    return {
        _COUNTS_PAGE: counts,
        _MEMORY_PAGE: replaced(memory, "memory", memory_table(read_peaks(MEMORY))),
    }


def write_pages() -> None:
    """Write both pages anew."""
    for path, text in pages().items():
        atomic_write_text(path, text)


def _section(name: str, report: EmulationReport) -> str:
    macs = next(
        f", {count.macs / 1e6:.1f} million multiply-accumulates"
        for count in report.counts
        if count.configuration.saliency == "none" and not isinstance(count.macs, Absent)
    )
    side = report.bundle.width
    return f"### `{name}`\n\n{side} x {side}{macs}.\n\n{count_table(report)}"


def _count_of(report: EmulationReport, engine: str, saliency: str, processor: str) -> Count:
    wanted = Configuration(engine, "int8", saliency)
    for count in report.counts:
        if (count.configuration, count.processor) == (wanted, processor):
            return count
    raise ArtifactError(f"the report has no count of {wanted.name} on {processor}.")


@click.command(context_settings=SETTINGS)
def arm64_pages() -> None:
    """Write the tables of the pages about arm64 anew."""
    write_pages()
    click.echo(f"counts on {', '.join(PROCESSORS)} and peaks of memory: written")


if __name__ == "__main__":
    run_command(arm64_pages, None, name="arm64_pages")
