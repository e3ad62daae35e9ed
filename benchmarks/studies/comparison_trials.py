"""How often ``bench compare`` finds what is there, and what is not: trials on recorded samples.

Each trial draws two sets of processes, without one in both, from the processes that a report holds,
and compares them as ``bench compare`` compares two files. In half of the trials the frames of one
engine in the second set are slowed down by a factor. A finding is false where nothing was slowed
down: any verdict in a trial without a slow-down counts, of whichever engine. A report with
machine-speed probes is compared twice, with the machine's own speed taken out and as measured.

    bench --bundle NAME.edge --saliency none --rounds 40 --frames 60 --json recorded.json
    python -m benchmarks.studies.comparison_trials recorded.json
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from benchmarks.comparing.adjustment import adjust
from benchmarks.comparing.comparison import (
    Comparison,
    Verdict,
    compare_rounds,
    log_quantiles,
    with_verdicts,
)
from benchmarks.configurations import PRECISIONS
from benchmarks.report import read_report
from benchmarks.statistics import MINIMUM_ROUNDS
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import UsageError, run_command

__all__ = ["Counts", "Outcome", "Recorded", "main", "run_trials"]

Rounds = Sequence[npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Recorded:
    """What the processes of one configuration measured.

    Attributes:
        frames: Latencies of each process.
        probes: Times of the machine-speed probe in each; empty without.
    """

    frames: Rounds
    probes: Rounds = ()


@dataclass
class Counts:
    """Verdicts of one way to compare.

    Attributes:
        found: Trials with a slow-down in which that engine was called slower.
        false: Trials without one in which any engine got a verdict.
    """

    found: int = 0
    false: int = 0

    def add(self, verdicts: Mapping[str, Verdict], slowed: str | None) -> None:
        """Count the verdicts of one trial; ``slowed`` is None if nothing was."""
        if slowed is None:
            self.false += any(verdict != "no evidence" for verdict in verdicts.values())
        else:
            self.found += verdicts[slowed] == "slower"


@dataclass
class Outcome:
    """What a number of trials came to.

    Attributes:
        rounds: Processes of each set.
        trials: Of each kind.
        adjusted: With the machine's own speed taken out; None without probes.
        unadjusted: As measured.
        blind: False findings without adjustment, minimum effect and processes: 95 % intervals
            over all frames as if they were independent, that do not hold 1.
    """

    rounds: int
    trials: int
    adjusted: Counts | None
    unadjusted: Counts = field(default_factory=Counts)
    blind: int = 0


def run_trials(
    recorded: Mapping[str, Recorded],
    slowed: str,
    factor: float,
    rounds: int,
    trials: int,
    seed: int,
    percentile: float = 50.0,
) -> Outcome:
    """Compare random halves of recorded processes.

    Args:
        recorded: By configuration; all with probes, or none.
        slowed: Configuration that is slowed down in every second trial.
        factor: By which its frames are multiplied.
        rounds: Processes of each set.
        trials: Of each kind.
        seed: Of the draws.
        percentile: Of each process's frames that is compared.

    Raises:
        ValueError: Fewer processes are recorded than two sets need.
    """
    random = np.random.default_rng(seed)
    available = min(len(found.frames) for found in recorded.values())
    if available < 2 * rounds:
        raise ValueError(f"{available} recorded processes are too few for two sets of {rounds}")
    has_probes = all(found.probes for found in recorded.values())
    outcome = Outcome(rounds, trials, Counts() if has_probes else None)
    for trial in range(2 * trials):
        # The same processes of all configurations: those of a round ran beside each other.
        order = random.permutation(available)
        base, new = order[:rounds], order[rounds : 2 * rounds]
        is_slow = trial % 2 == 1
        pairs = {
            name: (
                [found.frames[i] for i in base],
                [found.frames[i] * (factor if is_slow and name == slowed else 1.0) for i in new],
            )
            for name, found in recorded.items()
        }
        engine = slowed if is_slow else None
        compared = [compare_rounds(*pair, percentile, seed=trial) for pair in pairs.values()]
        outcome.unadjusted.add(_verdicts(pairs, compared), engine)
        if outcome.adjusted is not None:
            compared = [
                adjust(
                    (pair[0], [recorded[name].probes[i] for i in base]),
                    (pair[1], [recorded[name].probes[i] for i in new]),
                    percentile,
                    seed=trial,
                ).comparison
                for name, pair in pairs.items()
            ]
            outcome.adjusted.add(_verdicts(pairs, compared), engine)
        if not is_slow:
            outcome.blind += any(_differs_naively(*pair) for pair in pairs.values())
    return outcome


def _verdicts(names: Iterable[str], compared: Sequence[Comparison]) -> dict[str, Verdict]:
    return {name: c.verdict for name, c in zip(names, with_verdicts(compared), strict=True)}


def _differs_naively(base: Rounds, new: Rounds) -> bool:
    """Whether 95 % normal intervals of the mean logarithm over all frames tell the sets apart."""
    ours, theirs = (np.log(np.concatenate(found)) for found in (base, new))
    error = np.sqrt(ours.var(ddof=1) / len(ours) + theirs.var(ddof=1) / len(theirs))
    return bool(abs(ours.mean() - theirs.mean()) > 1.96 * error)


@click.command(context_settings=SETTINGS)
@click.argument("report", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--slowed", metavar="NAME", help="Configuration to slow down [the first].")
@click.option(
    "--precision", type=click.Choice(["all", *PRECISIONS]), default="all", show_default=True
)
@click.option("--factor", type=float, default=1.1, show_default=True, help="By how much.")
@click.option(
    "--rounds",
    multiple=True,
    type=click.IntRange(MINIMUM_ROUNDS),
    default=(6, 12, 20),
    show_default=True,
    help="Processes of each set; may be given again.",
)
@click.option("--percentile", type=click.FloatRange(0, 90), default=50.0, show_default=True)
@click.option("--trials", type=click.IntRange(1), default=100, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def main(
    report: Path,
    slowed: str | None,
    precision: str,
    factor: float,
    rounds: tuple[int, ...],
    percentile: float,
    trials: int,
    seed: int,
) -> None:
    """Print how many slow-downs are found, and how many are found where there is none."""
    recorded = {
        result.configuration.name: Recorded(
            [item.stage_ns("inference") / 1e6 for item in result.rounds],
            [item.stage_ns("probe") / 1e6 for item in result.rounds if item.probe_ns],
        )
        for result in read_report(report).results
        if precision in ("all", result.configuration.precision)
    }
    slowed = slowed or next(iter(recorded), None)
    if slowed is None or slowed not in recorded:
        raise UsageError(f"{report} has no configuration {slowed!r}; it has {', '.join(recorded)}.")
    for name, found in recorded.items():
        click.echo(f"{name}: {_spread(found, percentile)}")
    click.echo(f"\n{slowed} slowed down by {factor - 1:.0%} in every second trial\n")
    head = "| processes of each | compared | found | false findings |"
    click.echo(f"{head}\n|---:|---|---:|---:|")
    for count in rounds:
        outcome = run_trials(recorded, slowed, factor, count, trials, seed, percentile)
        rows = [("without the machine's speed", outcome.adjusted)] if outcome.adjusted else []
        for name, counts in (*rows, ("as measured", outcome.unadjusted)):
            click.echo(
                f"| {count} | {name} | {counts.found} of {trials} | {counts.false} of {trials} |"
            )
        click.echo(f"| {count} | frames taken as independent | | {outcome.blind} of {trials} |")


def _spread(found: Recorded, percentile: float) -> str:
    """How far processes differ, and what is left of it when the probe is known."""
    share = percentile / 100
    levels = log_quantiles(found.frames, share)
    said = (
        f"{len(levels)} processes of {len(found.frames[0])} frames, p{percentile:g} "
        f"{np.exp(np.median(levels)):.3f} ms, processes differ by {levels.std(ddof=1):.1%} "
        "(standard deviation of the logarithm)"
    )
    if not found.probes:
        return said
    probes = log_quantiles(found.probes, share)
    slope, level = np.polyfit(probes, levels, 1)
    left = (levels - slope * probes - level).std(ddof=2)
    return (
        f"{said}, their probes by {probes.std(ddof=1):.1%}, without what those tell by {left:.1%}"
    )


if __name__ == "__main__":
    run_command(main, name="python -m benchmarks.studies.comparison_trials")
