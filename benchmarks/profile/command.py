"""The command ``bench profile``."""

from __future__ import annotations

import click

from benchmarks.options import engines_option, saliencies_option, threads_option
from edge_runtime.command_settings import SETTINGS

__all__ = ["profile"]

_EPILOG = """\b
Examples:
  bench profile first.edge
  bench profile first.edge --engine onnx --saliency gradient --top 5
  bench profile first.edge --json profile.json

\b
ONNX Runtime's own profiler tells its operators. LiteRT's Python interface has
none: its operators are told by graphs that end ever later.
"""
_FRAMES, _ROUNDS = 60, 3


@click.command("profile", epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("bundle", metavar="BUNDLE")
@engines_option
@saliencies_option
@threads_option
@click.option(
    "--frames",
    type=click.IntRange(min=1),
    default=_FRAMES,
    show_default=True,
    metavar="N",
    help="Inferences that count.",
)
@click.option(
    "--top", type=click.IntRange(min=1), default=10, show_default=True, help="Types to show."
)
@click.option("--json", "json_path", metavar="FILE", help="Write the report; - for stdout.")
@click.option("--force", is_flag=True, help="Replace an earlier file.")
def profile(
    bundle: str,
    engines: tuple[str, ...],
    saliencies: tuple[str, ...],
    threads: int | None,
    frames: int,
    top: int,
    json_path: str | None,
    force: bool,
) -> None:
    """Show where the time of an inference goes, by operator, of INT8 and float.

    Says what to do where INT8 is not the fastest. Without --saliency the plain graphs are shown.
    """
    from benchmarks.configurations import find_reference, matrix
    from benchmarks.profile.measure import measure_profile
    from benchmarks.profile.table import profile_text
    from benchmarks.reporting.output import refuse_report, show_report
    from benchmarks.reporting.progress import StatusLine
    from benchmarks.workload import Workload
    from edge_runtime.bundle import open_bundle
    from edge_runtime.engines.base import default_threads

    refuse_report(json_path, force)
    opened = open_bundle(bundle)
    reference = find_reference(opened)
    plan = matrix(opened, reference, engines, saliencies or ("none",))
    workload = Workload(
        frames=frames,
        warmup=max(5, frames // 6),
        rounds=_ROUNDS,
        threads=threads or default_threads(),
    )
    with StatusLine() as line:
        report = measure_profile(opened, reference, plan.configurations, workload, line.show)
    show_report(profile_text(report, top), report.to_bytes(), json_path)
