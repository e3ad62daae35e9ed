"""The command ``bench``: what a bundle costs on the machine at hand, in time, memory and bytes."""

from __future__ import annotations

import click

from edge_runtime import __version__
from edge_runtime.engines.registry import ENGINES

__all__ = ["bench"]


@click.command("bench", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--bundle", required=True, metavar="NAME.edge", help="The bundle to measure.")
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(list(ENGINES)),
    help="Engine to measure; repeatable. Default: all that are installed.",
)
@click.option(
    "--saliency",
    "saliencies",
    multiple=True,
    type=click.Choice(["none", "cam", "gradient"]),
    help="Map to measure; repeatable. Default: all that the bundle has.",
)
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Threads of the engine.")
@click.option("--frames", type=click.IntRange(min=1), metavar="N", help="Timed frames a round.")
@click.option("--rounds", type=click.IntRange(min=1), metavar="N", help="Processes of each kind.")
@click.option("--json", "json_path", metavar="FILE", help="Write the report; - for stdout.")
@click.option("--force", is_flag=True, help="Replace an earlier report.")
@click.version_option(__version__, prog_name="bench")
def bench(**options: object) -> None:
    """Measure latency, frame rate, memory and size of a bundle's graphs on this machine."""
    raise click.ClickException("benchmarks are being measured by nothing yet")
