"""Tables on pages that come from a stored report of ``bench``, so that they cannot drift.

    python -m benchmarks.studies.report_tables README.md

A block is marked by two comments, and the report is named from the root of the checkout:

    <!-- bench report: benchmarks/results/bench/NAME.json -->
    ...
    <!-- end of the report -->

What stands between them is written anew from the report; ``--check`` only looks.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import click

from benchmarks.merge.boards import board_name
from benchmarks.report import Report, Result, read_report
from benchmarks.reporting.cells import number_cell
from benchmarks.reporting.table import plural
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import GateError, UsageError, run_command
from edge_runtime.files import atomic_write_text

__all__ = ["main", "report_table", "with_tables"]

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"(?P<open><!-- bench report: (?P<path>\S+) -->\n).*?(?P<close><!-- end of the report -->)",
    re.DOTALL,
)
_HEAD = ("engine", "graph", "p50 ms", "p90 ms", "INT8 / float (95 %)", "peak MiB", "model MB")
_LINE = 100
_MIB, _MB = 1 << 20, 1e6
_MAPS = {"none": "", "cam": " with CAM"}


def with_tables(text: str, root: Path = ROOT) -> str:
    """Return a page with every marked table written anew.

    Args:
        text: The page.
        root: Where the paths of the reports begin.

    Raises:
        ArtifactError: A report is missing or damaged.
    """

    def fill(block: re.Match[str]) -> str:
        table = report_table(read_report(root / block["path"]))
        return f"{block['open']}{table}\n{block['close']}"

    return _BLOCK.sub(fill, text)


def report_table(report: Report) -> str:
    """Return the conditions of a report and a row for each configuration, as Markdown."""
    ratios = {
        ratio.numerator: ratio.interval.text for ratio in report.ratios if ratio.kind == "precision"
    }
    rows = [_row(result, report, ratios.get(result.configuration, "")) for result in report.results]
    alignment = ["---", "---", *("---:" for _ in _HEAD[2:])]
    table = [f"| {' | '.join(cells)} |" for cells in (_HEAD, alignment, *rows)]
    return "\n".join([*_conditions(report), "", *table])


def _row(result: Result, report: Report, ratio: str) -> tuple[str, ...]:
    configuration, summary = result.configuration, result.summary
    inference = summary.stages_ms["inference"]
    precision = "INT8" if configuration.precision == "int8" else "float"
    places = configuration.name.split(", ")[1:]
    drawn = _MAPS.get(configuration.saliency, f" with {configuration.saliency}")
    graph = ", ".join([f"{precision}{drawn}", *places])
    return (
        f"{configuration.engine} {report.engine_versions[configuration.engine]}",
        graph,
        number_cell(inference["p50"], 2, absent=""),
        number_cell(inference["p90"], 2, absent=""),
        ratio,
        number_cell(summary.memory_peak_bytes, 0, _MIB, absent=""),
        number_cell(result.model_bytes, 1, _MB, absent=""),
    )


def _conditions(report: Report) -> list[str]:
    """What was measured where, in lines of prose."""
    machine, workload = report.conditions["machine"], report.workload
    sizes = ", ".join(f"{item.width} x {item.height}" for item in report.bundles)
    load = machine["load_average"]
    words = (
        f"{board_name(report)}, {machine['processors_usable']} processors, load "
        f"{'unknown' if isinstance(load, dict) else f'{load:g}'} before; {sizes} pixels, "
        f"{', '.join(map(str, report.thread_counts))} "
        f"{'thread' if report.thread_counts == (1,) else 'threads'}, "
        f"{plural(workload.rounds, 'round')} of {workload.frames} frames, "
        f"{report.started_utc[:10]}; "
        f"{'not stable' if report.findings else 'stable'}, says `bench`."
    )
    return textwrap.wrap(words, _LINE, break_on_hyphens=False)


@click.command(context_settings=SETTINGS)
@click.argument(
    "pages", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--check", is_flag=True, help="Change nothing; fail if a page is behind its report.")
def main(pages: tuple[Path, ...], check: bool) -> None:
    """Write the marked tables of pages from the reports that they name."""
    for page in pages:
        text = page.read_text(encoding="utf-8")
        if not _BLOCK.search(text):
            raise UsageError(f"{page} has no block that names a report of bench.")
        written = with_tables(text)
        if check and written != text:
            raise GateError(f"{page} is not what its report says; run this without --check.")
        if written != text:
            atomic_write_text(page, written)
            click.echo(f"written: {page}")


if __name__ == "__main__":
    run_command(main, name="python -m benchmarks.studies.report_tables")
