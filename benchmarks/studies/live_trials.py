"""How often ``bench compare`` finds a slow-down that is really there, and one that is not: live.

    python -m benchmarks.studies.live_trials first.edge --trials 20 --out live.json

Each trial measures twice, as one does before and after a change: all processes of the first
report, then those of the second, with INT8 without a map in both engines. In every second trial one
engine of the second report really takes longer (``slowed_worker.py``), in turn ONNX Runtime and
LiteRT. The reports are compared as ``bench compare`` does, by the median and by the tenth
percentile of each process. With ``--in-turn`` the processes of the two reports alternate, so that
what the machine does meanwhile is in both alike. Each is compared with the machine's own speed
taken out, which the probe of each process tells, and as measured (``raw``). ``--out`` keeps the
trials that are done, so that it can go on where it was stopped.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.comparing.adjustment import adjust
from benchmarks.comparing.comparison import compare_rounds, with_verdicts
from benchmarks.configurations import Configuration
from benchmarks.exchange import worker_command
from benchmarks.report_file import read_report_file
from benchmarks.reporting.table import numbers_right
from benchmarks.rounds import WORKER, run_process
from benchmarks.statistics import MINIMUM_ROUNDS
from benchmarks.worker import Task
from benchmarks.workload import Workload, synthetic_frames
from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import UsageError, run_command
from edge_runtime.files import atomic_write_text

__all__ = ["main", "run_trial", "summary_rows"]

ENGINES = ("onnx", "litert")
PERCENTILES = (50, 10)
_SLOWED = worker_command("benchmarks.studies.slowed_worker")


def run_trial(
    bundle: Bundle, workload: Workload, slowed: str | None, factor: float, in_turn: bool
) -> Any:
    """Measure two reports and compare them.

    Args:
        bundle: The bundle.
        workload: How much each report measures.
        slowed: Engine that takes longer in the second report, or None.
        factor: By how much.
        in_turn: Take the processes of the reports in turn, round by round.

    Returns:
        JSON object: ``slowed``, ``load`` of the machine, and for each percentile, without the
        machine's speed and ``raw``, of each engine the ``ratio`` and the ``verdict``.

    Raises:
        SaliedgeError: A process failed.
    """
    load = os.getloadavg()[0]
    steps = list(product(("base", "new"), range(workload.rounds), ENGINES))
    if in_turn:
        steps.sort(key=lambda step: step[1])
    frames = synthetic_frames(workload).tobytes()
    taken: dict[tuple[str, str], list[Any]] = defaultdict(list)
    probes: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for report, _, engine in steps:
        task = Task(
            str(bundle.path), bundle.sha256, Configuration(engine, "int8", "none"), workload
        )
        is_slow = report == "new" and engine == slowed
        measured = run_process(task, frames, (*_SLOWED, str(factor)) if is_slow else WORKER)
        taken[report, engine].append(measured.stage_ns("inference"))
        probes[report, engine].append(measured.stage_ns("probe"))
    found: dict[str, Any] = {}
    for percentile in PERCENTILES:
        sides = {
            e: ((taken["base", e], probes["base", e]), (taken["new", e], probes["new", e]))
            for e in ENGINES
        }
        ways = {
            f"p{percentile}": [adjust(*sides[e], percentile).comparison for e in ENGINES],
            f"p{percentile} raw": [
                compare_rounds(taken["base", e], taken["new", e], percentile) for e in ENGINES
            ],
        }
        for way, compared in ways.items():
            found[way] = {
                engine: {"ratio": round(item.ratio, 4), "verdict": item.verdict}
                for engine, item in zip(ENGINES, with_verdicts(compared), strict=True)
            }
    return {"slowed": slowed, "load": round(load, 2), **found}


def summary_rows(trials: Sequence[Any]) -> list[Sequence[str]]:
    """Count what was found, for each percentile.

    Args:
        trials: What :func:`run_trial` returned.
    """
    slow = [trial for trial in trials if trial["slowed"] is not None]
    even = [trial for trial in trials if trial["slowed"] is None]
    rows: list[Sequence[str]] = []
    for key in (f"p{percentile}{way}" for percentile in PERCENTILES for way in ("", " raw")):
        found = sum(trial[key][trial["slowed"]]["verdict"] == "slower" for trial in slow)
        false = sum(
            any(one["verdict"] != "no evidence" for one in trial[key].values()) for trial in even
        )
        others = sum(
            one["verdict"] != "no evidence"
            for trial in slow
            for engine, one in trial[key].items()
            if engine != trial["slowed"]
        )
        ratios = [trial[key][trial["slowed"]]["ratio"] for trial in slow]
        rows.append(
            (
                key,
                f"{found} of {len(slow)}",
                f"{false} of {len(even)}",
                f"{others} of {len(slow)}",
                f"{np.median(ratios):.3f}" if ratios else "-",
            )
        )
    return rows


def _earlier(out: Path, settings: dict[str, Any]) -> list[Any]:
    """Trials that are done, of the same settings."""
    if not out.exists():
        return []
    record = read_report_file(out, dict, "give the file that this command wrote")
    if {name: record.get(name) for name in settings} != settings:
        raise UsageError(f"{out} has trials with other settings; name another file.")
    trials: list[Any] = record["trials"]
    return trials


@click.command(context_settings=SETTINGS)
@click.argument("bundle")
@click.option("--trials", type=click.IntRange(1), default=20, show_default=True, help="Of a kind.")
@click.option("--factor", type=click.FloatRange(1), default=1.1, show_default=True)
@click.option("--rounds", type=click.IntRange(MINIMUM_ROUNDS), default=6, show_default=True)
@click.option("--frames", type=click.IntRange(10), default=600, show_default=True)
@click.option("--in-turn", is_flag=True, help="Alternate between the two reports.")
@click.option("--minutes", type=float, default=1e9, help="Stop behind the trial that ends later.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False))
def main(
    bundle: str,
    trials: int,
    factor: float,
    rounds: int,
    frames: int,
    in_turn: bool,
    minutes: float,
    out: Path,
) -> None:
    """Print how many real slow-downs are found, and how many are found where there is none."""
    opened = open_bundle(bundle)
    workload = Workload(frames, frames // 10, rounds, 1)
    settings = {
        "bundle": opened.sha256,
        "factor": factor,
        "in_turn": in_turn,
        "workload": workload.to_json(),
    }
    done = _earlier(out, settings)
    start = time.monotonic()
    while len(done) < 2 * trials and time.monotonic() - start < 60 * minutes:
        number = len(done)
        slowed = ENGINES[number // 2 % len(ENGINES)] if number % 2 else None
        done.append(run_trial(opened, workload, slowed, factor, in_turn))
        atomic_write_text(out, json.dumps({**settings, "trials": done}, indent=1) + "\n")
    loads = [trial["load"] for trial in done]
    click.echo(
        f"{opened.path.name}, {rounds} processes of {frames} frames for each engine and report"
        f"{', in turn' if in_turn else ''}; "
        f"{factor - 1:.0%} in every second of {len(done)} trials; load {min(loads):.1f} to "
        f"{max(loads):.1f}\n"
    )
    head = ("of a process", "found", "false findings", "false, the other engine", "median ratio")
    click.echo(numbers_right(head, summary_rows(done)))


if __name__ == "__main__":
    run_command(main, name="python -m benchmarks.studies.live_trials")
