"""The command that compares saliedge with other tools; see docs/results/peers.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.conditions import conditions
from benchmarks.peers.network import PeersOptions, compare_network
from benchmarks.peers.report import PeersReport
from edge_runtime.command_settings import SETTINGS
from edge_runtime.files import atomic_write_bytes, atomic_write_text, refuse_existing

__all__ = ["peers"]


@click.command(context_settings=SETTINGS)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the report.")
@click.option(
    "--threads", multiple=True, type=click.IntRange(min=1), default=(1, 2), show_default=True
)
@click.option("--rounds", type=click.IntRange(min=2), default=30, show_default=True)
@click.option(
    "--renewed-after",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="ROUNDS",
    help="Rounds that a process lives; more than one where the machine is too busy to start many.",
)
@click.option(
    "--frames",
    type=click.IntRange(min=1),
    default=15,
    show_default=True,
    help="Images of each of the four turns of a contestant in a round.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=16),
    default=64,
    show_default=True,
    help="Training images that the peers are calibrated with.",
)
@click.option(
    "--ultralytics",
    type=click.Path(path_type=Path, exists=True),
    metavar="PYTHON",
    help="Python of an environment that has ultralytics and onnxruntime.",
)
@click.option("--instructions", is_flag=True, help="Count them on a Cortex-A72 and A76, too.")
@click.option("--force", is_flag=True, help="Replace an earlier report.")
def peers(
    runs: Sequence[Path],
    out: Path,
    threads: tuple[int, ...],
    rounds: int,
    renewed_after: int,
    frames: int,
    samples: int,
    ultralytics: Path | None,
    instructions: bool,
    force: bool,
) -> None:
    """Compare the bundles of RUNS, each RUN.edge beside its run, with what other tools make.

    A bundle that is not there is exported first. All contestants have the float network of the
    bundle's reference, training images of the run to calibrate with, and its test part.
    """
    files = out / "peers.json", out / "peers.md"
    for file in files:
        refuse_existing(file, force)
    pythons = {"here": Path(sys.executable)}
    if ultralytics is not None:
        pythons["ultralytics"] = ultralytics.absolute()
    options = PeersOptions(
        threads=threads,
        rounds=rounds,
        renewed_after=renewed_after,
        frames=frames,
        samples=samples,
        instructions=instructions,
        pythons=pythons,
    )
    before, networks = conditions(), []
    for run in runs:
        networks.append(compare_network(run, options, lambda line: click.echo(line, err=True)))
        load = conditions()["machine"]["load_average"]
        report = PeersReport(
            conditions=before,
            load_after=load if isinstance(load, float) else None,
            rounds=rounds,
            renewed_after=renewed_after,
            frames=frames * options.bursts,
            networks=networks,
        )
        # After each network: a run takes long, and what was measured is kept.
        atomic_write_bytes(files[0], report.to_bytes())
        atomic_write_text(files[1], report.markdown())
    click.echo(report.markdown())
