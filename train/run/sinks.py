"""The sinks that a run's configuration asks for."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from train.config import TrainConfig, to_tables
from train.run.directory import RunDirectory
from train.sinks import GuardedSink, MlflowSink, RunSink, TensorBoardSink, tracking_store

__all__ = ["open_sinks"]


def open_sinks(
    config: TrainConfig, run: RunDirectory, epochs_done: int, tell: Callable[[str], None]
) -> tuple[RunSink, ...]:
    """Begin the sinks that are asked for and installed; none of them can fail the run.

    Args:
        config: of the run; it says which are asked for.
        run: the folder of the run.
        epochs_done: figures of later epochs will come again.
        tell: takes the message of a sink that failed.

    Raises:
        DependencyError: MLflow is asked for and not installed.
    """
    sinks: list[RunSink] = []
    if config.run.tensorboard and find_spec("tensorboard") is not None:
        sinks.append(
            GuardedSink("TensorBoard", lambda: TensorBoardSink(run.events, epochs_done), tell)
        )
    store = tracking_store(config.run.mlflow)
    if store is not None:
        name, record = run.path.resolve().name, run.mlflow_record
        sinks.append(GuardedSink("MLflow", lambda: MlflowSink(store, name, record), tell))
    parameters = {
        f"{table}.{entry}": str(value)
        for table, entries in to_tables(config).items()
        for entry, value in entries.items()
    }
    for sink in sinks:
        # Not the split, which holds the names of images.
        sink.begin(parameters, (run.config,))
    return tuple(sinks)
