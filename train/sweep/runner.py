"""Sends the trials of a sweep to the cluster and keeps each as a record when it ends.

The folder of a sweep:

    sweep.toml        what it holds fast
    rows/NAME.json    one trial that has ended
    runs/NAME/        its run, as of `saliedge train`
    best              link to the run of the best trial
    failures/         tracebacks
    report.html, report.md, table.csv

A trial whose worker dies is sent again, and goes on from its run where the machines share the
folder; where they do not, from what the same machine still has, or from the beginning. Whether a
worker died is Ray's business to find out; that two attempts at a trial do not disturb each other is
the board's.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge_runtime.errors import DataError, OutputError, UsageError
from edge_runtime.files import atomic_directory, atomic_write_text
from train.claim import claimed
from train.config import TrainConfig
from train.data import open_dataset
from train.row_file import ROWS_FOLDER
from train.run.progress import Reporter
from train.study.provenance import code_version, machine
from train.sweep.board import Board
from train.sweep.cluster import Needs, connected, machines
from train.sweep.machines import Images, check_machines, only_on
from train.sweep.plan import PLAN_FILE, Plan, Trial
from train.sweep.records import EpochFigures, Outcomes, TrialRecord, read_trials
from train.sweep.worker import Ending, Order, run_trial

__all__ = ["Settings", "run_sweep", "unfinished"]

_POLL_SECONDS = 1.0
# For cancelled trials to close what they have open; then they are killed.
_GRACE_SECONDS = 10.0
_FAILURES = "failures"


@dataclass(frozen=True)
class Settings:
    """How a sweep is run.

    Attributes:
        out: folder of the sweep.
        address: of a cluster, or None.
        needs: of each trial.
        parallel: how many trials run at once at most; 0 as many as fit.
        retries: how often a trial is sent again because its worker died.
    """

    out: Path
    address: str | None
    needs: Needs
    parallel: int = 0
    retries: int = 3


def unfinished(plan: Plan, records: dict[str, TrialRecord]) -> list[Trial]:
    """Trials without a record, and those that failed."""
    return [
        trial
        for trial in plan.trials
        if trial.name not in records or not records[trial.name].is_over
    ]


def run_sweep(plan: Plan, settings: Settings, reporter: Reporter) -> None:
    """Run what is left of a plan.

    Whatever ends this early, finished trials are kept and running ones can be gone on with.

    Raises:
        UsageError: another command works at this sweep, or a trial fits on no machine.
        DataError: the images are not those that the sweep was begun with, or a machine does not
            see them.
        OutputError: the folder holds something else.
        DependencyError: see ``connected``; or a machine has another version of saliedge.
    """
    _check_place(settings.out)
    with claimed(settings.out / ".lock") as ours:
        if not ours:
            raise UsageError(
                f"another command works at {settings.out}; wait for it, or choose another --out."
            )
        plan = _held_fast(plan, settings.out)
        records = read_trials(settings.out)
        left = unfinished(plan, records)
        if not left:
            return
        with connected(settings.address) as ray, _marked(settings.out) as mark:
            able = machines(ray, settings.needs, reporter.message)
            images = Images(left[0].config.data.source, plan.listing_sha256)
            check_machines(ray, able, images, settings.out, mark, reporter)
            slots = sum(machine.slots(settings.needs) for machine in able)
            _Runner(ray, plan, settings, mark, slots, records, reporter).run(left)


def _check_place(out: Path) -> None:
    if out.is_dir() and any(out.iterdir()) and not (out / PLAN_FILE).is_file():
        raise OutputError(
            f"{out} exists and is not a sweep of saliedge; choose another place for --out."
        )


def _held_fast(plan: Plan, out: Path) -> Plan:
    """The plan with the hash of its images, written down; those of a sweep stay the same."""
    source = plan.trials[0].config.data.source
    plan = replace(plan, listing_sha256=open_dataset(source).listing_sha256)
    path = out / PLAN_FILE
    if path.is_file() and Plan.read(path).listing_sha256 != plan.listing_sha256:
        raise DataError(
            f"{source} does not hold the images, labels and groups that {out} was begun with; give "
            "those images, or choose another --out."
        )
    plan.write(path)
    return plan


@contextmanager
def _marked(out: Path) -> Iterator[str]:
    """A file in the folder of the sweep by which workers know whether they see it."""
    mark = f".mark-{secrets.token_hex(16)}"
    atomic_write_text(out / mark, "")
    try:
        yield mark
    finally:
        (out / mark).unlink(missing_ok=True)


def _reporting_to(board: Any, order: Order) -> Ending:
    """The task: a trial that reports to the board."""
    import ray

    def report(figures: EpochFigures, is_last: bool) -> Any:
        return ray.get(board.report.remote(order.name, order.attempt, figures, is_last))

    return run_trial(order, report)


class _Runner:
    def __init__(
        self,
        ray: Any,
        plan: Plan,
        settings: Settings,
        mark: str,
        slots: int,
        records: dict[str, TrialRecord],
        reporter: Reporter,
    ) -> None:
        self._ray, self._plan, self._settings = ray, plan, settings
        self._mark, self._records, self._reporter = mark, records, reporter
        # One more than fit, so that no slot waits for us.
        self._at_once = settings.parallel or slots + 1
        over = {name: record.history for name, record in records.items() if record.is_over}
        # Beside this command, so that it does not die with a worker.
        here = ray.get_runtime_context().get_node_id()
        self._board = (
            ray.remote(Board)
            .options(num_cpus=0, scheduling_strategy=only_on(here))
            .remote(plan.metric, plan.halving, over)
        )
        # A process for each trial: nothing is left over from the one before.
        self._task = ray.remote(
            num_cpus=settings.needs.cpus,
            num_gpus=settings.needs.gpus,
            max_calls=1,
            max_retries=0,
            scheduling_strategy="SPREAD",
        )(_reporting_to)
        self._running: dict[Any, tuple[Trial, int]] = {}

    def run(self, left: Sequence[Trial]) -> None:
        """Run them all, and record each that ends."""
        queue = list(left)
        total = sum(trial.epochs for trial in self._plan.trials)
        self._reporter.start(f"{len(left)} trials", total)
        try:
            while queue or self._running:
                while queue and len(self._running) < self._at_once:
                    self._send(queue.pop(0))
                ready, _ = self._ray.wait(list(self._running), timeout=_POLL_SECONDS)
                for reference in ready:
                    self._take(reference)
                self._show()
        except BaseException:
            self._cancel()
            raise

    def _send(self, trial: Trial) -> None:
        attempt = self._ray.get(self._board.begin.remote(trial.name))
        order = Order(
            name=trial.name,
            point=trial.point,
            entries=trial.entries,
            config=_placed(trial.config, self._settings.needs),
            attempt=attempt,
            out=self._settings.out,
            mark=self._mark,
            directory=Path.cwd(),
        )
        self._running[self._task.remote(self._board, order)] = trial, attempt

    def _take(self, reference: Any) -> None:
        trial, attempt = self._running.pop(reference)
        errors = self._ray.exceptions
        try:
            ending: Ending = self._ray.get(reference)
        except errors.RayTaskError as error:
            # Not of the training, whose errors come as endings: it could not even begin.
            self._keep(trial, self._failed(trial, attempt, str(error).strip().splitlines()[-1]))
        except errors.RayError as error:
            reason = type(error).__name__
            if attempt > self._settings.retries:
                sentence = f"its worker died {attempt} times ({reason})"
                self._keep(trial, self._failed(trial, attempt, sentence))
                return
            self._reporter.message(
                f"the worker of trial {trial.number} died ({reason}); the trial is sent again."
            )
            self._send(trial)
        else:
            if ending.record is not None:
                self._fetch(ending, trial)
                self._keep(trial, ending.record)

    def _fetch(self, ending: Ending, trial: Trial) -> None:
        """Put a run from another machine's disk, and a traceback, into the folder."""
        if ending.files:
            with atomic_directory(self._settings.out / "runs" / trial.name, force=True) as folder:
                for name, content in ending.files.items():
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (folder / name).write_bytes(content)
        traceback = self._settings.out / _FAILURES / f"{trial.name}.txt"
        if ending.details:
            atomic_write_text(traceback, ending.details)
        else:
            traceback.unlink(missing_ok=True)

    def _keep(self, trial: Trial, record: TrialRecord) -> None:
        known = {r.split_sha256 for r in self._records.values() if r.status == "finished"}
        if record.status == "finished" and known - {record.split_sha256}:
            raise DataError(
                f"the images have other labels, groups or parts than when {self._settings.out} was "
                "begun, so that its trials cannot be compared; choose another --out."
            )
        record.write(self._settings.out / ROWS_FOLDER)
        self._records[trial.name] = record
        self._reporter.message(_sentence(trial, record, self._plan))

    def _failed(self, trial: Trial, attempts: int, message: str) -> TrialRecord:
        return TrialRecord(
            name=trial.name,
            point=trial.point,
            entries=trial.entries,
            status="failed",
            message=message,
            history=(),
            best_epoch=None,
            outcomes=Outcomes(),
            classes=(),
            split_sha256="",
            seconds=0.0,
            attempts=attempts,
            code=code_version(),
            machine=machine(),
        )

    def _show(self) -> None:
        progress: dict[str, EpochFigures] = self._ray.get(self._board.progress.remote())
        metric = self._plan.metric
        done, best = 0, ""
        for trial in self._plan.trials:
            record = self._records.get(trial.name)
            over = record is not None and record.is_over
            at = progress.get(trial.name)
            done += trial.epochs if over else at.epoch if at else 0
        figures = [getattr(figures, metric.name) for figures in progress.values()]
        if figures:
            best = f", best now {metric.show(max(figures, key=metric.goodness))}"
        ended = sum(trial.name in self._records for trial in self._plan.trials)
        detail = f"epochs, {ended} of {len(self._plan.trials)} trials ended{best}"
        self._reporter.advance(done, detail)

    def _cancel(self) -> None:
        """End what runs, softly first."""
        for force in (False, True):
            for reference in self._running:
                with suppress(self._ray.exceptions.RayError, ValueError):
                    self._ray.cancel(reference, force=force)
            if not self._running or force:
                return
            _, still = self._ray.wait(
                list(self._running), num_returns=len(self._running), timeout=_GRACE_SECONDS
            )
            self._running = {reference: self._running[reference] for reference in still}


def _placed(config: TrainConfig, needs: Needs) -> TrainConfig:
    """On a worker: as many threads as it has processors, and a GPU if it has one."""
    device = config.run.device
    if device == "auto":
        device = "cuda" if needs.gpus else "cpu"
    threads = config.run.threads or needs.cpus
    return replace(config, run=replace(config.run, device=device, threads=threads))


def _sentence(trial: Trial, record: TrialRecord, plan: Plan) -> str:
    """How a trial ended, for people."""
    head = f"trial {trial.number} ({trial.description})"
    if record.status != "finished":
        return f"{head} {record.status}: {record.message}"
    best = [e for e in record.history if e.epoch == record.best_epoch] or record.history[-1:]
    shown = plan.metric.show(getattr(best[0], plan.metric.name)) if best else "nothing"
    return f"{head}: {plan.metric.title} {shown} on the validation part, {record.seconds:.0f} s"
