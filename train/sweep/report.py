"""The report of a sweep, from the records that there are, and the link to the best run.

table.csv       every trial with its figures and their intervals
report.md       the table and what it means
report.html     the same with the picture, in one file that loads nothing
best            link to the run of the best trial
"""

from __future__ import annotations

import csv
import io
import secrets
from contextlib import suppress
from html import escape
from pathlib import Path

from edge_runtime.files import atomic_write_text
from edge_runtime.metrics import Interval
from edge_runtime.reporting.page import html_list, html_page, html_table
from train.study.tables import Table
from train.sweep.analysis import Analysis, Ranked
from train.sweep.metric import METRICS, Metric
from train.sweep.picture import metric_svg
from train.sweep.plan import PLAN_FILE

__all__ = ["write_report"]

_ABSENT = "–"


def write_report(analysis: Analysis, out: Path) -> None:
    """Write all files of the report into ``out``.

    Raises:
        OutputError: the folder cannot be written.
    """
    picture = metric_svg(analysis)
    table = _table(analysis)
    notes = [*_results(analysis), *_notes(analysis)]
    atomic_write_text(out / "table.csv", _csv(analysis))
    markdown = ["# Sweep", table.markdown(), "\n".join(f"- {note}" for note in notes)]
    atomic_write_text(out / "report.md", "\n\n".join(markdown) + "\n")
    recipe = (out / PLAN_FILE).read_text(encoding="utf-8")
    body = (
        f"{picture}<h2>{escape(table.title)}</h2>{html_table(table.columns, table.lines)}"
        f"<h2>How to read it</h2>{html_list(notes)}<h2>Plan</h2><pre>{escape(recipe)}</pre>"
    )
    atomic_write_text(out / "report.html", html_page("Sweep", body))
    if analysis.best is not None:
        _link(out / "best", Path("runs") / analysis.best.trial.name)


def _link(link: Path, target: Path) -> None:
    """Point the link at another run in one step; a disk without links does without."""
    temporary = link.with_name(f".{link.name}.partial-{secrets.token_hex(4)}")
    with suppress(OSError):
        temporary.symlink_to(target)
        temporary.replace(link)


def _table(analysis: Analysis) -> Table:
    metric = analysis.plan.metric
    names = [axis.name for axis in analysis.plan.axes]
    rest = [other for other in METRICS.values() if other != metric]
    lines = [
        (
            str(r.trial.number),
            f"{r.trial.name}{', the best' if r is analysis.best else ''}",
            *(str(r.trial.point[name]) for name in names),
            _shown(metric, r.figures.get(metric.name)),
            _difference(metric, r.minus_best),
            *(_shown(other, r.figures.get(other.name)) for other in rest),
            *_epochs(r),
            f"{r.record.seconds / 60:.1f}",
            _status(r, metric),
        )
        for r in (*analysis.ranked, *analysis.others)
    ]
    if analysis.blind:
        lines.append(
            (
                "",
                "blind: the most frequent class",
                *("" for _ in names),
                metric.show(analysis.blind[metric.name]),
                "",
                *(other.show(analysis.blind[other.name]) for other in rest),
                *("", "", "", ""),
            )
        )
    columns = (
        "trial",
        "run",
        *names,
        f"{metric.title} (95 %)",
        "minus the best, paired",
        *(other.title for other in rest),
        "best epoch",
        "epochs done",
        "minutes",
        "status",
    )
    return Table("Trials on the validation part, the best first", columns, tuple(lines))


def _epochs(ranked: Ranked) -> tuple[str, str]:
    best = ranked.record.best_epoch
    done = ranked.record.history[-1].epoch if ranked.record.history else 0
    return str(best) if best else _ABSENT, f"{done} of {ranked.trial.epochs}"


def _status(ranked: Ranked, metric: Metric) -> str:
    last = ranked.last(metric)
    if ranked.record.status == "stopped" and last is not None:
        return f"stopped at {metric.show(last)}"
    return ranked.record.status


def _shown(metric: Metric, found: Interval | None) -> str:
    return _ABSENT if found is None else metric.show(found)


def _difference(metric: Metric, found: Interval | None) -> str:
    if found is None:
        return _ABSENT
    scale, digits = (100, 1) if metric.is_share else (1, 4)
    value, low, high = (
        f"{scale * end:+.{digits}f}" for end in (found.value, found.low, found.high)
    )
    return f"{value} ({low} to {high})"


def _results(analysis: Analysis) -> list[str]:
    """What came out, in sentences."""
    notes = []
    best, others = analysis.best, len(analysis.ranked) - 1
    if best is not None:
        notes.append(f"The best run is runs/{best.trial.name} ({best.trial.description}).")
        if others:
            notes.append(
                f"{analysis.tied} of the {others} other finished trials cannot be told from it by "
                f"these {analysis.images} images: the interval of the difference holds 0."
            )
    for ranked in analysis.others:
        if ranked.record.status in ("diverged", "failed"):
            notes.append(
                f"Trial {ranked.trial.number} ({ranked.trial.description}) {ranked.record.status}: "
                f"{ranked.record.message}"
            )
    if analysis.missing:
        numbers = ", ".join(str(trial.number) for trial in analysis.missing)
        notes.append(f"Not run yet: {numbers}. The same command goes on.")
    return notes


def _notes(analysis: Analysis) -> list[str]:
    """What a reader must know to read the table."""
    halving = analysis.plan.halving
    notes = [
        "All figures are of the validation part, by the network of each trial's best epoch. The "
        "test part was not looked at. The best of many trials looks better here than it is: "
        "measure it once with `saliedge evaluate`.",
        "Intervals: 95 %, percentile bootstrap over groups, of the images alone; how much another "
        "seed of the training would change is not in them (vary run.seed to see it).",
    ]
    if halving:
        notes.append(
            f"Trials were stopped early by successive halving: after {halving.grace} epochs, and "
            f"again after {halving.reduction} times as many and so on, one of "
            f"{halving.reduction} goes on. A point that is hollow shows where it stood then."
        )
    return notes


def _csv(analysis: Analysis) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = [axis.name for axis in analysis.plan.axes]
    figures = [f"{name}{end}" for name in METRICS for end in ("", "_low", "_high")]
    head = ("trial", "run", "status", *names, *figures, "best_epoch", "epochs", "seconds")
    writer.writerow(head)
    for r in (*analysis.ranked, *analysis.others):
        found = [r.figures.get(name) for name in METRICS]
        ends = [end for f in found for end in ((f.value, f.low, f.high) if f else ("", "", ""))]
        done = r.record.history[-1].epoch if r.record.history else 0
        writer.writerow(
            (
                r.trial.number,
                r.trial.name,
                r.record.status,
                *(r.trial.point[name] for name in names),
                *(f"{end:.5f}" if isinstance(end, float) else end for end in ends),
                r.record.best_epoch or "",
                done,
                r.record.seconds,
            )
        )
    return buffer.getvalue()
