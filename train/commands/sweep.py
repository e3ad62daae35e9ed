"""The command ``saliedge sweep``.

Its options are its own and those of ``saliedge train`` that describe a run, so that every entry of
the configuration is given in one way and checked in one place.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import IncompleteError, UsageError
from train.commands.train import train
from train.flags import tables_of_flags
from train.sweep.metric import METRICS

if TYPE_CHECKING:
    from train.sweep.halving import Halving
    from train.sweep.plan import Plan
    from train.sweep.runner import Settings

__all__ = ["sweep"]

_EPILOG = """\b
Examples:
  saliedge sweep --data kvasir --out sweeps/lr --vary lr=1e-4,3e-4,1e-3
  saliedge sweep --data kvasir --out sweeps/lr-k --vary lr=1e-5:1e-3:log --vary k=0:0.7 --trials 12
  saliedge sweep --data kvasir --out sweeps/bits --vary bits=8,4,2 --vary run.seed=0,1,2
  saliedge sweep --config runs/first/config.toml --out sweeps/eta --vary eta=0,1e-5,1e-3
  saliedge sweep --data kvasir --out sweeps/wide --vary lr=1e-5:1e-2:log --trials 30 --halving
  saliedge sweep --data /shared/kvasir --out /shared/sweeps/lr --vary lr=1e-4,1e-3 --address auto
  saliedge sweep --resume --out sweeps/lr

\b
NAME of --vary is a flag of `saliedge train` (lr, k, bits, backbone) or an entry of config.toml
(optimizer.lr). Lists are combined with each other; ranges are drawn anew for each trial.

\b
SWEEP holds the report, the runs of all trials and `best`, a link to the best of them:
  saliedge evaluate sweeps/lr/best
  saliedge export sweeps/lr/best --int8 --out best.edge
See docs/how-to/sweeps.md for clusters.
"""
_OWN_MEANING = ("out", "config", "resume", "force", "processes")


@click.command(epilog=_EPILOG, context_settings=SETTINGS)
@click.option(
    "--out",
    required=True,
    metavar="SWEEP",
    type=click.Path(path_type=Path),
    help="Folder of the sweep: its plan, runs, finished trials and report.",
)
@click.option(
    "--vary",
    multiple=True,
    metavar="NAME=VALUES",
    help="What is varied: a list A,B,C or a range LOW:HIGH or LOW:HIGH:log; may be given again.",
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    metavar="N",
    help="How many trials are drawn; needed with ranges [all combinations of the lists].",
)
@click.option(
    "--metric",
    type=click.Choice(list(METRICS)),
    help=f"Figure of the validation part that trials are compared by [{next(iter(METRICS))}].",
)
@click.option(
    "--halving",
    is_flag=True,
    help="End trials early that are worse than others after as many epochs (ASHA).",
)
@click.option(
    "--grace",
    type=click.IntRange(1),
    metavar="EPOCHS",
    help="With --halving: epochs before the first decision [a ninth of the run's].",
)
@click.option(
    "--reduction",
    type=click.IntRange(2),
    metavar="N",
    help="With --halving: one of N trials goes on at each decision [3].",
)
@click.option(
    "--address",
    metavar="HOST:PORT|auto",
    help="Run on this Ray cluster [a cluster of its own on this machine].",
)
@click.option(
    "--cpus-per-trial",
    type=click.IntRange(1),
    metavar="N",
    help="Processors, and threads, of each trial [--threads, else 1].",
)
@click.option(
    "--gpus-per-trial",
    type=click.FloatRange(0),
    default=0.0,
    metavar="N",
    help="GPUs of each trial; 0.5 lets two share one [0].",
)
@click.option(
    "--parallel",
    type=click.IntRange(1),
    metavar="N",
    help="At most N trials at once [as many as there is room for].",
)
@click.option(
    "--retries",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="How often a trial is sent again because its worker died.",
)
@click.option("--resume", is_flag=True, help="Go on with the sweep as it is.")
@click.option("--dry-run", is_flag=True, help="List the trials and run none.")
@click.option("--report-only", is_flag=True, help="Make the report from the trials that there are.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Recipe of all trials: TOML file, see config.toml of a run.",
)
def sweep(
    out: Path,
    vary: tuple[str, ...],
    trials: int | None,
    metric: str | None,
    halving: bool,
    grace: int | None,
    reduction: int | None,
    address: str | None,
    cpus_per_trial: int | None,
    gpus_per_trial: float,
    parallel: int | None,
    retries: int,
    resume: bool,
    dry_run: bool,
    report_only: bool,
    config: Path | None,
    **flags: Any,
) -> None:
    """Search settings of `saliedge train`, in trials on one machine or on a Ray cluster.

    Trials are compared on the validation part alone; the test part is not looked at. A sweep that
    was interrupted goes on where it was; finished trials are not run again.
    """
    out = out.absolute()
    given = {name: value for name, value in flags.items() if value is not None}
    if resume or report_only:
        named = {"vary": vary, "trials": trials, "config": config, "metric": metric}
        named |= {"halving": halving, "grace": grace, "reduction": reduction} | given
        contradicting = [name for name, value in named.items() if value]
        if contradicting:
            raise UsageError(
                f"--{'resume' if resume else 'report-only'} takes the sweep as it is; leave out "
                f"--{contradicting[0].replace('_', '-')}."
            )
    from train.sweep.plan import PLAN_FILE, Plan

    if resume or report_only:
        plan = Plan.read(out / PLAN_FILE)
    else:
        chosen = {"halving": halving, "grace": grace, "reduction": reduction}
        plan = _new_plan(vary, trials, metric, chosen, config, given)
    if dry_run:
        _list(plan, out)
        return
    if not report_only:
        from train.sweep.cluster import Needs
        from train.sweep.runner import Settings

        cpus = cpus_per_trial or plan.trials[0].config.run.threads or 1
        needs = Needs(cpus, gpus_per_trial)
        _run(plan, Settings(out, address, needs, parallel or 0, retries))
    _report(plan, out)


sweep.params.extend(option for option in train.params if option.name not in _OWN_MEANING)


def _new_plan(
    vary: tuple[str, ...],
    count: int | None,
    metric: str | None,
    chosen: dict[str, Any],
    config: Path | None,
    given: dict[str, Any],
) -> Plan:
    from train.config import read_toml, to_tables
    from train.run.directory import RunDirectory
    from train.sweep.plan import Plan, merged, with_whole_paths
    from train.sweep.space import parse_axis

    if not vary:
        raise UsageError("nothing is varied; give --vary NAME=VALUES, or --resume.")
    axes = tuple(parse_axis(text) for text in vary)
    base = merged(read_toml(config) if config else {}, tables_of_flags(given))
    start = given.get("start")
    if start:
        base = merged(to_tables(RunDirectory(Path(start)).read_config()), base)
    seed = base.get("run", {}).get("seed", 0)
    if not isinstance(seed, int) or seed < 0:
        raise UsageError(f"the seed {seed!r} is not a whole number from 0 on.")
    entries = [entry for axis in axes for entry in axis.entries]
    repeated = [entry for entry in entries if entries.count(entry) > 1]
    if repeated:
        raise UsageError(f"{'.'.join(repeated[0])} is varied twice; give each --vary once.")
    plan = Plan(with_whole_paths(base), axes, count, seed, METRICS[metric or next(iter(METRICS))])
    return Plan(plan.base, axes, count, seed, plan.metric, _halving(plan, chosen))


def _halving(plan: Plan, chosen: dict[str, Any]) -> Halving | None:
    from train.sweep.halving import Halving

    if not chosen["halving"]:
        given = [name for name in ("grace", "reduction") if chosen[name] is not None]
        if given:
            raise UsageError(f"--{given[0]} is a setting of --halving; give that, too.")
        return None
    longest = max(trial.epochs for trial in plan.trials)
    return Halving(chosen["grace"] or max(1, longest // 9), chosen["reduction"] or 3)


def _list(plan: Plan, out: Path) -> None:
    from train.sweep.records import read_trials

    records = read_trials(out)
    for trial in plan.trials:
        state = records[trial.name].status if trial.name in records else "to do"
        click.echo(f"{trial.number:4}  {trial.name}  {state:9}  {trial.description}")
    left = sum(t.name not in records or not records[t.name].is_over for t in plan.trials)
    click.echo(f"{len(plan.trials)} trials, {left} to do.")


def _run(plan: Plan, settings: Settings) -> None:
    from train.run.progress import reporting
    from train.sweep.runner import run_sweep

    with reporting() as reporter:
        run_sweep(plan, settings, reporter)


def _report(plan: Plan, out: Path) -> None:
    """Write the report and say what came out.

    Raises:
        IncompleteError: trials failed.
    """
    from train.sweep.analysis import analyse
    from train.sweep.records import read_trials
    from train.sweep.report import write_report

    analysis = analyse(plan, read_trials(out))
    if not (analysis.ranked or analysis.others):
        click.echo(f"{out} has no trial that has ended; there is nothing to report.")
        return
    write_report(analysis, out)
    best, metric = analysis.best, plan.metric
    if best is not None:
        found = best.figures[metric.name]
        click.echo(
            f"best: trial {best.trial.number} ({best.trial.description}), {metric.title} "
            f"{metric.show(found)} on the validation part: {out / 'best'}"
        )
    click.echo(f"{len(analysis.ranked)} trials finished: {out}/report.html, report.md, table.csv")
    failed = [r for r in analysis.others if r.record.status == "failed"]
    if failed:
        named = "; ".join(
            f"{r.trial.number} ({r.trial.description}): {r.record.message}" for r in failed
        )
        raise IncompleteError(
            f"{len(failed)} of {len(plan.trials)} trials failed and are run again by the same "
            f"command: {named}"
        )
