"""Runs the rows of a study one after the other and keeps each as a record.

The folder of work, which may be deleted:

    images/                 decoded images
    foldN/split.csv         the parts of the fold
    foldN/shared-HASH/      the run whose float network the rows of the fold branch from
    foldN/ROW-HASH/         the run of a row; a post-training row has none

A kill loses at most the epoch that was running. Two processes may work at the same study: each
takes rows that no other has taken.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge_runtime.files import atomic_write_text
from edge_runtime.preprocessing import Preprocessing
from train.claim import claimed
from train.config import DataConfig, TrainConfig
from train.loop.float_phase import calibration_batches, quantization_config
from train.loop.trainer import resume, train
from train.quantization import QuantizedNetwork, load_network
from train.quantization.checkpoint import read_record
from train.row_file import ROWS_FOLDER
from train.run.clock import duration
from train.run.directory import RunDirectory
from train.run.log import training_seconds
from train.run.progress import Reporter
from train.run.resume_state import read_state
from train.study.cost import network_cost
from train.study.estimate import Estimator
from train.study.images import FoldImages, StudyImages
from train.study.matrix import BASELINE, MATRIX, Row, in_order
from train.study.measure import measure
from train.study.plan import Plan
from train.study.post_training import quantize_after_training
from train.study.provenance import code_version, machine, weights_sha256
from train.study.records import Record, read_records
from train.torch_settings import torch_settings

__all__ = ["Places", "Task", "run_study", "unfinished"]

_MINUTE = 60.0


@dataclass(frozen=True)
class Places:
    """Where things are on this machine.

    Attributes:
        source: the images, as the user named them.
        out: the folder of the study, with its records.
        work: the folder of checkpoints and decoded images.
        threads: CPU threads; 0 leaves torch's choice.
    """

    source: str
    out: Path
    work: Path
    threads: int = 0

    def fold(self, number: int) -> Path:
        """The folder of work of a fold."""
        return self.work / f"fold{number}"


@dataclass(frozen=True)
class Task:
    """A row in a fold, with its identity."""

    row: Row
    fold: int
    sha256: str


def unfinished(plan: Plan, rows: Sequence[Row], out: Path) -> list[Task]:
    """What is left to do, in order; rows of the same configuration are one task.

    Raises:
        ArtifactError: a record is damaged.
    """
    done = set(read_records(out))
    left: dict[tuple[int, str], Task] = {}
    for row, fold in in_order(rows, plan.folds):
        task = Task(row, fold, plan.sha256(row, fold))
        if (fold, task.sha256) not in done:
            left.setdefault((fold, task.sha256), task)
    return list(left.values())


def run_study(
    plan: Plan,
    rows: Sequence[Row],
    images: StudyImages,
    places: Places,
    reporter: Reporter,
    max_minutes: float | None = None,
) -> int:
    """Run what is left of ``rows``.

    Args:
        plan: recipe and folds.
        rows: of the matrix.
        images: those of the plan.
        places: on this machine.
        reporter: told how it goes.
        max_minutes: begin no row that would not be finished within so many minutes of now. The
            first row is begun in any case, so that a study always goes on.

    Returns:
        How many rows and folds are still left.

    Raises:
        SaliedgeError: see ``train``; what was finished is kept.
    """
    started = time.monotonic()
    runner = _Runner(plan, images, places, reporter)
    for record in read_records(places.out).values():
        runner.estimator.learn(record)
    left = unfinished(plan, rows, places.out)
    begun = False
    for number, task in enumerate(left):
        seconds = runner.seconds_of(task)
        spent = time.monotonic() - started
        if max_minutes and begun and spent + (seconds or 0.0) > max_minutes * _MINUTE:
            reporter.message(
                f"stopped before {task.row.name}, fold {task.fold}, which would take about "
                f"{_duration(seconds)}; {len(left) - number} rows are left, run the command again."
            )
            break
        with claimed(places.fold(task.fold) / f"{task.row.name}.lock") as ours:
            if ours and (task.fold, task.sha256) not in read_records(places.out):
                reporter.message(runner.announcement(left[number:]))
                runner.run(task)
                begun = True
    return len(unfinished(plan, rows, places.out))


class _Runner:
    def __init__(self, plan: Plan, images: StudyImages, places: Places, reporter: Reporter) -> None:
        self._plan, self._images, self._places = plan, images, places
        self._reporter = reporter
        optimizer = plan.config().optimizer
        self.estimator = Estimator(optimizer.epochs_float, optimizer.epochs)

    def seconds_of(self, task: Task) -> float | None:
        """Estimated seconds of a task with what it needs first; None while nothing is known."""
        return self._seconds([task])

    def announcement(self, left: Sequence[Task]) -> str:
        """What comes now, and how long everything takes."""
        task = left[0]
        return (
            f"== {task.row.name} ({task.row.title}, {task.row.width}), fold {task.fold}; "
            f"{len(left)} rows left, about {_duration(self._seconds(left))}"
        )

    def run(self, task: Task) -> Record:
        """Train what has to be trained, measure, and write the record."""
        with torch_settings(self._places.threads):
            shared = self._shared(task.fold)
            if task.row.method == "post-training":
                run, network = None, self._quantized_after_training(task)
            else:
                run = self._trained(task.row, task.fold)
                network, _ = load_network(run.best_checkpoint)
            record = self._record(task, network, run, shared)
        record.write(self._places.out / ROWS_FOLDER)
        self.estimator.learn(record)
        self._reporter.message(
            f"   accuracy {record.metrics['accuracy']:.1%}, macro sensitivity "
            f"{record.metrics['macro_sensitivity']:.1%} on {len(record.images.index)} images"
        )
        return record

    def _record(
        self, task: Task, network: QuantizedNetwork, run: RunDirectory | None, shared: RunDirectory
    ) -> Record:
        started = time.monotonic()
        plan, images = self._plan, self._images
        fold = self._fold_images(task.fold)
        measured = measure(network, fold, images.dataset.classes, plan.region, self._reporter)
        state = read_state(run.path) if run else None
        parts = {"train": fold.train, "val": fold.val, "test": fold.test}
        return Record(
            row=task.row.name,
            fold=task.fold,
            config_sha256=task.sha256,
            entries=plan.entries(task.row),
            folds_sha256=plan.folds_sha256,
            classes=images.dataset.classes,
            counts={name: len(part.samples) for name, part in parts.items()},
            confusion=measured.confusion,
            metrics=measured.metrics,
            cost=network_cost(network).to_json(),
            images=measured.images,
            lesions=measured.lesions,
            lesion_class=fold.lesion_class,
            best_epoch=state.best.epoch if state and state.best else None,
            shared_sha256=weights_sha256(load_network(shared.float_checkpoint)[0]),
            seconds={
                "training": training_seconds(run) if run else 0.0,
                "measuring": round(time.monotonic() - started, 1),
                "shared": training_seconds(shared),
            },
            code=code_version(),
            machine=machine(),
        )

    def _shared(self, fold: int) -> RunDirectory:
        """The finished run whose float network the rows of the fold branch from."""
        run = self._shared_run(fold)
        config = self._placed(self._plan.config(MATRIX[BASELINE]), fold)
        config = replace(config, optimizer=replace(config.optimizer, epochs=0))
        self._finish(run, config, fold)
        return run

    def _trained(self, row: Row, fold: int) -> RunDirectory:
        """The finished run of a row."""
        run = self._run_of(row, fold)
        config = self._placed(self._plan.config(row), fold)
        start = str(self._shared_run(fold).path)
        config = replace(config, network=replace(config.network, start=start))
        self._finish(run, config, fold)
        return run

    def _quantized_after_training(self, task: Task) -> QuantizedNetwork:
        row, baseline = task.row, MATRIX[BASELINE]
        run = self._trained(baseline, task.fold)
        network, _ = load_network(run.best_checkpoint)
        config = self._plan.config(baseline)
        widths = replace(
            quantization_config(config),
            weight_bits=row.weight_bits,
            activation_bits=row.activation_bits,
            weight_quantizer="max",
        )
        train_images = self._fold_images(task.fold).train.images
        batches = calibration_batches(train_images, config)
        return quantize_after_training(network, widths, batches, row.ranges)

    def _fold_images(self, fold: int) -> FoldImages:
        """As the networks of the fold see them; a region may have been found over its images."""
        record = read_record(self._shared_run(fold).float_checkpoint)
        return self._images.fold(
            fold,
            Preprocessing.from_json(record["metadata"]["preprocessing"]),
            self._places.work / "images",
            skip_bad=self._plan.config().data.skip_bad,
            reporter=self._reporter,
        )

    def _finish(self, run: RunDirectory, config: TrainConfig, fold: int) -> None:
        """Begin or go on with a run, until it is finished."""
        split_file = self._places.fold(fold) / "split.csv"
        text = self._images.folds.split(fold).csv_text
        if not split_file.is_file() or split_file.read_text(encoding="utf-8") != text:
            atomic_write_text(split_file, text)
        # Another process may need the same run, for a row of its own.
        with claimed(run.path.with_suffix(".lock"), wait=True):
            if _is_finished(run):
                return
            if run.config.is_file() and run.read_config() == config:
                resume(run, self._reporter)
            else:
                train(config, run, self._reporter, force=True, announce=False)
            for leftover in run.path.glob("last-*.safetensors"):
                leftover.unlink()

    def _placed(self, config: TrainConfig, fold: int) -> TrainConfig:
        """The configuration with this machine's places."""
        data: DataConfig = replace(
            config.data,
            source=self._places.source,
            cache=str(self._places.work / "images"),
            split_file=str(self._places.fold(fold) / "split.csv"),
        )
        run = replace(config.run, device="cpu", threads=self._places.threads, tensorboard=False)
        return replace(config, data=data, run=run)

    def _shared_run(self, fold: int) -> RunDirectory:
        name = f"shared-{self._plan.shared_sha256(fold)[:12]}"
        return RunDirectory(self._places.fold(fold) / name)

    def _run_of(self, row: Row, fold: int) -> RunDirectory:
        name = f"{row.name}-{self._plan.sha256(row, fold)[:12]}"
        return RunDirectory(self._places.fold(fold) / name)

    def _seconds(self, tasks: Sequence[Task]) -> float | None:
        """Of the tasks, and of what they need first: float networks, and baselines to quantise."""
        baseline = MATRIX[BASELINE]
        new = {task.fold for task in tasks if not _is_finished(self._shared_run(task.fold))}
        planned = {task.fold for task in tasks if task.row == baseline}
        needed = {
            task.fold
            for task in tasks
            if task.row.method == "post-training"
            and task.fold not in planned
            and not _is_finished(self._run_of(baseline, task.fold))
        }
        rows = [task.row for task in tasks] + [baseline] * len(needed)
        return self.estimator.total(rows, len(new))


def _is_finished(run: RunDirectory) -> bool:
    state = read_state(run.path)
    return state is not None and state.finished


def _duration(seconds: float | None) -> str:
    return "a time that is not known yet" if seconds is None else duration(seconds)
