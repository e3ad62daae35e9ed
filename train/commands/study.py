"""The command ``saliedge study``."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import DataError, UsageError
from train.study.matrix import MATRIX, PRESETS, choose_rows

if TYPE_CHECKING:
    from train.run.progress import Reporter
    from train.study.images import StudyImages
    from train.study.plan import Plan

__all__ = ["study"]

_DEFAULT_FOLDS = 5

_EPILOG = f"""\b
Examples:
  saliedge study --data kvasir --out benchmarks/results/study/kvasir --dry-run
  saliedge study --data kvasir --out benchmarks/results/study/kvasir
  saliedge study --data kvasir --out study --rows float,ptq_w4a4,pact_w4a4 --max-minutes 60
  saliedge study --out benchmarks/results/study/kvasir --report-only

\b
Presets:
{chr(10).join(f"  {name:8}{preset.help}" for name, preset in PRESETS.items())}

\b
Rows:
{chr(10).join(f"  {name:22}{row.width:7}{row.title}" for name, row in MATRIX.items())}

\b
The recipe and the folds are written to OUT/study.toml when the study begins, and stay. Whoever
edits an entry there has those rows run again that it plays a part in. It is hours of work: stop it
at any time, and the same command goes on. OUT holds no image, no file name and no checkpoint.
"""


@click.command(epilog=_EPILOG, context_settings=SETTINGS)
@click.option("--data", metavar="DATA", help="The images, see `saliedge train`.")
@click.option(
    "--out",
    required=True,
    metavar="STUDY",
    type=click.Path(path_type=Path),
    help="Folder of the study: its recipe, finished rows and report.",
)
@click.option("--folds", type=int, help=f"Folds of the cross-validation [{_DEFAULT_FOLDS}].")
@click.option("--rows", metavar="NAME,...", help="These rows alone.")
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="full",
    show_default=True,
    help="Which rows; see below.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Recipe of a new study: TOML file, see config.toml of a run.",
)
@click.option(
    "--region",
    metavar="NAME=X0,Y0,X1,Y1",
    help="Report the share of the saliency in this part of the picture (fractions of its size).",
)
@click.option(
    "--work",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder for checkpoints and decoded images [~/.cache/saliedge/study/NAME]; it may be "
    "deleted, which costs time and no result.",
)
@click.option("--threads", type=int, default=0, help="CPU threads.")
@click.option(
    "--max-minutes",
    type=float,
    metavar="M",
    help="Begin no row that would not be finished M minutes from now.",
)
@click.option("--dry-run", is_flag=True, help="List what would be done.")
@click.option("--report-only", is_flag=True, help="Make the report from the rows that there are.")
def study(
    data: str | None,
    out: Path,
    folds: int | None,
    rows: str | None,
    preset: str,
    config: Path | None,
    region: str | None,
    work: Path | None,
    threads: int,
    max_minutes: float | None,
    dry_run: bool,
    report_only: bool,
) -> None:
    """Compare float, PACT, saliency guidance and bit widths by cross-validation.

    Every row of a fold branches from one float network; every image is tested once. Finished rows
    are kept in STUDY/rows as small files, and the report is made from those that there are.
    """
    from train.run.progress import reporting
    from train.study.plan import PLAN_FILE
    from train.study.report import write_report
    from train.study.runner import Places, run_study

    chosen = choose_rows(rows, preset)
    if report_only:
        click.echo(write_report(out))
        return
    if not data:
        raise UsageError("the study needs its images; give --data, or --report-only.")
    if max_minutes is not None and max_minutes <= 0:
        raise UsageError(f"--max-minutes {max_minutes:g} leaves no time; give more than 0.")
    work = work or _default_work(out)
    with reporting() as reporter:
        plan, images = _plan(data, out, work, folds, preset, config, region, reporter)
        if dry_run:
            _list(plan, rows, preset, out)
            return
        if not (out / PLAN_FILE).is_file():
            plan.write(out / PLAN_FILE)
        places = Places(data, out, work, threads)
        left = run_study(plan, chosen, images, places, reporter, max_minutes)
        reporter.message(f"{left} rows are left." if left else "every row is done.")
    click.echo(write_report(out))


def _plan(
    data: str,
    out: Path,
    work: Path,
    folds: int | None,
    preset: str,
    config: Path | None,
    region: str | None,
    reporter: Reporter,
) -> tuple[Plan, StudyImages]:
    """The plan of the study in ``out``, or a new one; and its images.

    Raises:
        UsageError: an option contradicts the plan that there is.
        DataError: the images are not those of the study.
    """
    from edge_runtime.metrics import Region
    from train.config import read_toml, resolve
    from train.study.images import StudyImages
    from train.study.plan import PLAN_FILE, Plan

    path = out / PLAN_FILE
    cache = str(work / "images")
    if not path.is_file():
        chosen = PRESETS[preset]
        named = read_toml(config).get("optimizer", {}) if config else {}
        optimizer = {**chosen.optimizer, **named}
        recipe = resolve({"data": {"source": data, "cache": cache}, "optimizer": optimizer}, config)
        images = StudyImages.open(recipe, folds or chosen.folds, reporter)
        parsed = Region.parse(region) if region else None
        return Plan.of(recipe, images.folds.count, images.folds.sha256, parsed), images
    given = {"--folds": folds, "--config": config, "--region": region}
    contradicting = [option for option, value in given.items() if value is not None]
    if contradicting:
        raise UsageError(
            f"{path} holds the recipe of this study; edit it instead of giving "
            f"{contradicting[0]}, or choose another --out."
        )
    plan = Plan.read(path)
    recipe = plan.config()
    recipe = replace(recipe, data=replace(recipe.data, source=data, cache=cache))
    images = StudyImages.open(recipe, plan.folds, reporter)
    if images.folds.sha256 != plan.folds_sha256:
        raise DataError(
            f"{data} does not hold the images, labels and groups that {path} was made for; "
            "give those images, or choose another --out."
        )
    return plan, images


def _list(plan: Plan, rows: str | None, preset: str, out: Path) -> None:
    from train.study.runner import unfinished

    left = unfinished(plan, choose_rows(rows, preset), out)
    for task in left:
        click.echo(
            f"{task.row.name:22}{task.row.width:7}fold {task.fold}  {task.sha256[:12]}  "
            f"{task.row.title}"
        )
    click.echo(f"{len(left)} rows to do in {plan.folds} folds.")


def _default_work(out: Path) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "saliedge" / "study" / out.resolve().name
