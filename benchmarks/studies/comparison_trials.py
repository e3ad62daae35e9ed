"""How often ``bench compare`` finds what is there, and what is not: trials on recorded samples.

Each trial draws two sets of processes, without one in both, from the processes that a report holds,
and compares them as ``bench compare`` compares two files. In half of the trials the frames of one
engine in the second set are slowed down by a factor. A finding is false where nothing was slowed
down: any verdict in a trial without a slow-down counts, of whichever engine.

    bench --bundle NAME.edge --saliency none --rounds 40 --frames 60 --json recorded.json
    python -m benchmarks.studies.comparison_trials recorded.json
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from benchmarks.comparing.comparison import compare_rounds, with_verdicts
from benchmarks.report import read_report
from benchmarks.statistics import MINIMUM_ROUNDS
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import UsageError, run_command

__all__ = ["Outcome", "main", "run_trials"]

Rounds = Sequence[npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Outcome:
    """What a number of trials came to.

    Attributes:
        rounds: Processes of each set.
        trials: Of each kind.
        found: Trials with a slow-down in which that engine was called slower.
        false: Trials without one in which any engine got a verdict.
        blind: The same without adjustment, minimum effect and processes: 95 % intervals over all
            frames as if they were independent, that do not hold 1.
    """

    rounds: int
    trials: int
    found: int
    false: int
    blind: int


def run_trials(
    recorded: Mapping[str, Rounds],
    slowed: str,
    factor: float,
    rounds: int,
    trials: int,
    seed: int,
    percentile: float = 50.0,
) -> Outcome:
    """Compare random halves of recorded processes.

    Args:
        recorded: Frames of each process, by configuration.
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
    available = min(len(found) for found in recorded.values())
    if available < 2 * rounds:
        raise ValueError(f"{available} recorded processes are too few for two sets of {rounds}")
    counts = {"found": 0, "false": 0, "blind": 0}
    for trial in range(2 * trials):
        # The same processes of all configurations: those of a round ran beside each other.
        order = random.permutation(available)
        base, new = order[:rounds], order[rounds : 2 * rounds]
        is_slow = trial % 2 == 1
        pairs = {
            name: (
                [found[i] for i in base],
                [found[i] * (factor if is_slow and name == slowed else 1.0) for i in new],
            )
            for name, found in recorded.items()
        }
        compared = with_verdicts(
            [compare_rounds(*pair, percentile, seed=trial) for pair in pairs.values()]
        )
        verdicts = {name: c.verdict for name, c in zip(pairs, compared, strict=True)}
        if is_slow:
            counts["found"] += verdicts[slowed] == "slower"
        else:
            counts["false"] += any(verdict != "no evidence" for verdict in verdicts.values())
            counts["blind"] += any(_differs_naively(*pair) for pair in pairs.values())
    return Outcome(rounds, trials, **counts)


def _differs_naively(base: Rounds, new: Rounds) -> bool:
    """Whether 95 % normal intervals of the mean logarithm over all frames tell the sets apart."""
    ours, theirs = (np.log(np.concatenate(found)) for found in (base, new))
    error = np.sqrt(ours.var(ddof=1) / len(ours) + theirs.var(ddof=1) / len(theirs))
    return bool(abs(ours.mean() - theirs.mean()) > 1.96 * error)


@click.command(context_settings=SETTINGS)
@click.argument("report", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--slowed", metavar="NAME", help="Configuration to slow down [the first].")
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
    factor: float,
    rounds: tuple[int, ...],
    percentile: float,
    trials: int,
    seed: int,
) -> None:
    """Print how many slow-downs are found, and how many are found where there is none."""
    recorded = {
        result.configuration.name: [item.stage_ns("inference") / 1e6 for item in result.rounds]
        for result in read_report(report).results
    }
    slowed = slowed or next(iter(recorded))
    if slowed not in recorded:
        raise UsageError(f"{report} has no configuration {slowed!r}; it has {', '.join(recorded)}.")
    for name, found in recorded.items():
        levels = np.log([np.percentile(item, percentile) for item in found])
        click.echo(
            f"{name}: {len(found)} processes of {len(found[0])} frames, p{percentile:g} "
            f"{np.exp(np.median(levels)):.3f} ms, processes differ by {levels.std(ddof=1):.1%} "
            "(standard deviation of the logarithm)"
        )
    click.echo(f"\n{slowed} slowed down by {factor - 1:.0%} in every second trial\n")
    click.echo(
        "| processes of each | found | false findings | false, frames taken as independent |"
    )
    click.echo("|---:|---:|---:|---:|")
    for count in rounds:
        outcome = run_trials(recorded, slowed, factor, count, trials, seed, percentile)
        click.echo(
            f"| {count} | {outcome.found} of {trials} | {outcome.false} of {trials} | "
            f"{outcome.blind} of {trials} |"
        )


if __name__ == "__main__":
    run_command(main, name="python -m benchmarks.studies.comparison_trials")
