"""What a worker of the cluster does: look whether it can take part, and run one trial.

Both run as Ray tasks in a process of their own. What they take and give are small frozen records;
errors of a trial are given back as its ending and not raised, so that whatever Ray raises is about
the machine and not about the trial.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.errors import GateError, SaliedgeError
from train.config import TrainConfig
from train.data import open_dataset
from train.loop.trainer import resume, train
from train.run.directory import RunDirectory
from train.run.log import training_seconds
from train.run.progress import quiet_reporter
from train.run.resume_state import ResumeState, read_state
from train.sinks import RunSink
from train.study.provenance import code_version, machine
from train.sweep.board import Verdict
from train.sweep.measure import read_history, split_sha256, validation_outcomes
from train.sweep.records import EpochFigures, Outcomes, Status, TrialRecord

__all__ = ["Ending", "Node", "Order", "probe", "run_trial"]

Report = Callable[[EpochFigures, bool], Verdict]
_RUNS = "runs"


@dataclass(frozen=True)
class Order:
    """A trial as it is sent out.

    Attributes:
        name: its identity.
        point: what is varied.
        entries: the configuration behind it.
        config: the configuration, with places.
        attempt: from 1.
        out: folder of the sweep on the machine that sent it.
        mark: name of a file in ``out`` that is there where the folder is shared.
        directory: current directory of the command, for networks of the user's.
    """

    name: str
    point: Mapping[str, bool | int | float | str]
    entries: Mapping[str, Mapping[str, object]]
    config: TrainConfig
    attempt: int
    out: Path
    mark: str
    directory: Path


@dataclass(frozen=True)
class Ending:
    """What comes back of a trial.

    Attributes:
        record: None where a newer attempt has taken its place.
        details: the traceback of an error that is no user's.
        files: content by relative name, of a finished run that lies on another machine's disk.
    """

    record: TrialRecord | None
    details: str = ""
    files: Mapping[str, bytes] | None = None


@dataclass(frozen=True)
class Node:
    """What a machine says of itself.

    Attributes:
        code: see ``code_version``.
        listing_sha256: of the images that it sees; empty with a problem.
        problem: why it does not see them.
        shares: whether it sees the folder of the sweep.
    """

    code: Mapping[str, str]
    listing_sha256: str
    problem: str
    shares: bool


class TrialStopped(Exception):  # noqa: N818 - an ending, not an error
    """Ends a training after an epoch; ``verdict`` says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict


def probe(source: str, out: Path, mark: str) -> Node:
    """Look for the images and for the folder of the sweep."""
    shares = (out / mark).is_file()
    try:
        return Node(code_version(), open_dataset(source).listing_sha256, "", shares)
    except SaliedgeError as error:
        return Node(code_version(), "", str(error), shares)


def run_trial(order: Order, report: Report) -> Ending:
    """Train, or go on with what an earlier attempt has left, and measure the validation part.

    Args:
        order: the trial.
        report: takes the figures of an epoch, and whether it is the last; says how to go on.
    """
    if order.directory.is_dir():
        os.chdir(order.directory)
    shares = (order.out / order.mark).is_file()
    run = RunDirectory(order.out / _RUNS / order.name if shares else _scratch(order))
    outcomes, classes = Outcomes(), tuple[str, ...]()
    status: Status = "finished"
    message = details = ""
    try:
        _finish(run, order.config, report)
        outcomes, classes = validation_outcomes(run, skip_bad=order.config.data.skip_bad)
    except TrialStopped as stop:
        if stop.verdict == "superseded":
            return Ending(None)
        status, message = "stopped", "others were better after as many epochs"
    except GateError as error:
        status, message = "diverged", str(error)
    except SaliedgeError as error:
        status, message = "failed", str(error)
    except Exception as error:
        # Of this trial alone, whatever it is; the others go on.
        status, message = "failed", f"{type(error).__name__}: {error}"
        details = traceback.format_exc()
    state = read_state(run.path) if status == "finished" else None
    record = TrialRecord(
        name=order.name,
        point=dict(order.point),
        entries={table: dict(entries) for table, entries in order.entries.items()},
        status=status,
        message=message,
        history=read_history(run.log),
        best_epoch=state.best.epoch if state and state.best else None,
        outcomes=outcomes,
        classes=classes,
        split_sha256=split_sha256(run),
        seconds=training_seconds(run),
        attempts=order.attempt,
        code=code_version(),
        machine=machine(),
    )
    return Ending(record, details, None if shares else _taken(run))


class _Follower(RunSink):
    """Reports each epoch once; the record of calibration, which comes between phases, is none."""

    def __init__(self, report: Report, epochs: int, done: int) -> None:
        self._report, self._epochs, self._done = report, epochs, done

    def begin(self, parameters: Mapping[str, str], artifacts: tuple[Path, ...]) -> None:
        pass

    def epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        if epoch <= self._done:
            return
        self._done = epoch
        found = EpochFigures(
            epoch,
            figures["epoch/val_macro_sensitivity"],
            figures["epoch/val_accuracy"],
            figures["epoch/val_loss"],
        )
        verdict = self._report(found, epoch == self._epochs)
        if verdict != "go on":
            raise TrialStopped(verdict)

    def note(self, epoch: int, sentence: str) -> None:
        pass

    def close(self, *, finished: bool) -> None:
        pass


def _finish(run: RunDirectory, config: TrainConfig, report: Report) -> None:
    """Begin or go on with a run, until it is finished."""
    is_begun = run.config.is_file() and run.read_config() == config
    state: ResumeState | None = read_state(run.path) if is_begun else None
    done = state.epochs_done if state else 0
    epochs = config.optimizer.epochs_float + config.optimizer.epochs
    for figures in read_history(run.log, done):
        verdict = report(figures, figures.epoch == epochs)
        if verdict != "go on":
            raise TrialStopped(verdict)
    follower = _Follower(report, epochs, done)
    with quiet_reporter() as reporter:
        if is_begun:
            resume(run, reporter, followers=(follower,))
        else:
            train(config, run, reporter, force=True, announce=False, followers=(follower,))
    for leftover in run.path.glob("last-*.safetensors"):
        leftover.unlink()


def _scratch(order: Order) -> Path:
    """Where a run lies on a machine that does not see the sweep; gone when the trial has ended."""
    # The mark is random: nobody can have put something there before.
    place = Path(tempfile.gettempdir()) / f"saliedge{order.mark}"
    place.mkdir(mode=0o700, exist_ok=True)
    return place / order.name


def _taken(run: RunDirectory) -> dict[str, bytes]:
    """The files of a run, which is removed."""
    found = {
        path.relative_to(run.path).as_posix(): path.read_bytes()
        for path in sorted(run.path.rglob("*"))
        if path.is_file()
    }
    shutil.rmtree(run.path, ignore_errors=True)
    return found
