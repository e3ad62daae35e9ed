"""The commands ``bench compare`` and ``bench check``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import GateError

__all__ = ["check", "compare"]

_STAGES = ["preprocess", "inference", "total"]
_REPORT = click.Path(path_type=Path, dir_okay=False)

_COMPARE_EPILOG = """\b
Examples:
  bench compare before.json after.json
  bench compare before.json one.json two.json --stage total
  bench compare before.json after.json --json changes.json

\b
Each file is what `bench --json` wrote; six rounds or more of each configuration. Measure both soon
after each other on a quiet machine: what the machine did in between is in the ratio, too.
"""
_CHECK_EPILOG = """\b
Examples:
  bench --bundle new.edge --json new.json && bench check new.json --against base.json
  bench check new.json --against base.json --max-regression 10%
  bench check new.json --against base.json --strict

\b
Ends with 8 if a configuration is slower than allowed beyond chance (5 % for all together); with
--strict also where the samples cannot tell.
"""


class _Share(click.ParamType[float]):
    """``5%`` or ``0.05`` to 0.05."""

    name = "share"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See the class."""
        text = str(value).strip()
        try:
            number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            number = -1.0
        if not 0 < number < 10:
            self.fail(f"{value!r} is no share above 0, such as 5% or 0.05.", param, ctx)
        return number


_stage = click.option(
    "--stage",
    type=click.Choice(_STAGES),
    default="inference",
    show_default=True,
    help="What is compared.",
)


def _what(stage: str, percentile: float) -> str:
    return f"{'median' if percentile == 50 else f'p{percentile:g}'} {stage}"


_percentile = click.option(
    "--percentile",
    type=click.FloatRange(0, 90),
    default=50.0,
    show_default=True,
    metavar="P",
    help="Of each process's frames; 10 on a machine that does other things too.",
)


@click.command("compare", epilog=_COMPARE_EPILOG, context_settings=SETTINGS)
@click.argument("base", type=_REPORT)
@click.argument("others", nargs=-1, required=True, type=_REPORT)
@_stage
@_percentile
@click.option("--json", "json_path", metavar="FILE", help="Write the figures; - for stdout.")
@click.option("--force", is_flag=True, help="Replace an earlier file.")
def compare(
    base: Path,
    others: tuple[Path, ...],
    stage: Any,
    percentile: float,
    json_path: str | None,
    force: bool,
) -> None:
    """Compare reports with the first one: ratio, interval, and a verdict for each configuration.

    A verdict needs evidence after adjustment for the number of comparisons, and a change of 3 %.
    """
    from benchmarks.comparing.reports import compare_reports, open_reports
    from benchmarks.comparing.table import changes_text
    from benchmarks.reporting.output import refuse_report, show_report

    refuse_report(json_path, force)
    named = open_reports([base, *others])
    changes = compare_reports(named, stage, percentile)
    verdicts = [change.comparison.verdict for change in changes]
    record = {
        "kind": "saliedge-bench-comparison",
        "schema": "1.1",
        "base": base.name,
        "stage": stage,
        "percentile": percentile,
        "changes": [change.to_json() for change in changes],
    }
    data = (json.dumps(record, indent=1) + "\n").encode()
    show_report(changes_text(named, changes, verdicts, _what(stage, percentile)), data, json_path)


@click.command("check", epilog=_CHECK_EPILOG, context_settings=SETTINGS)
@click.argument("report", type=_REPORT)
@click.option(
    "--against", required=True, type=_REPORT, metavar="BASE", help="Report to compare with."
)
@click.option(
    "--max-regression",
    type=_Share(),
    default="5%",
    show_default=True,
    metavar="SHARE",
    help="How much slower a configuration may be.",
)
@_stage
@_percentile
@click.option("--strict", is_flag=True, help="Fail where the samples cannot tell, too.")
def check(
    report: Path,
    against: Path,
    max_regression: float,
    stage: Any,
    percentile: float,
    strict: bool,
) -> None:
    """Fail if a configuration has become slower than allowed; for continuous integration."""
    from benchmarks.comparing.reports import compare_reports, judge, open_reports
    from benchmarks.comparing.table import changes_text

    named = open_reports([against, report])
    changes = compare_reports(named, stage, percentile)
    verdicts = judge(changes, 1 + max_regression)
    click.echo(changes_text(named, changes, verdicts, _what(stage, percentile)))
    failing = ("regressed", "undecided") if strict else ("regressed",)
    failed = [
        f"{change.name} ({change.comparison.ratio:.3f}, {verdict})"
        for change, verdict in zip(changes, verdicts, strict=True)
        if verdict in failing
    ]
    if failed:
        raise GateError(
            f"{report} does not keep within {max_regression:.1%} of {against}: {', '.join(failed)}."
        )
    if "undecided" in verdicts:
        click.echo("Passed, since nothing is known to have regressed; --strict fails here.")
