"""MLflow: parameters, figures by epoch and the configuration, in the user's tracking store.

MLflow's own variables are honoured: MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME, and those for user
name and password.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.errors import DependencyError
from edge_runtime.files import atomic_write_text
from train.sinks.base import RunSink

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["OFF", "MlflowSink", "tracking_store"]

OFF = "none"
_EXPERIMENT = "saliedge"
# MLflow takes at most so many in one request.
_METRICS_AT_ONCE, _PARAMETERS_AT_ONCE = 1000, 100
_NOT_IN_NAMES = re.compile(r"[^\w\-. /]")
_ENVIRONMENT = {
    # Nobody has agreed that figures of a medical data set are reported anywhere.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # A server that is away costs seconds and not the minutes of MLflow's own patience.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}


def tracking_store(setting: str) -> str | None:
    """Where a run is tracked, or None.

    Importing MLflow takes seconds and its default is a database in the working folder, so that it
    is used where somebody has named a store, and not wherever it is installed.

    Args:
        setting: a tracking URI or folder, ``none``, or empty for that of MLFLOW_TRACKING_URI.

    Raises:
        DependencyError: a store is named and MLflow is not installed.
    """
    if setting == OFF:
        return None
    if find_spec("mlflow") is not None:
        return setting or os.environ.get("MLFLOW_TRACKING_URI") or None
    if setting:
        raise DependencyError(
            f"MLflow is not installed, so the run cannot be tracked in {setting}; install "
            "'saliedge[mlflow]' or leave out --mlflow."
        )
    return None


class MlflowSink(RunSink):
    """One MLflow run; a resumed training goes on with the same one."""

    def __init__(self, store: str, name: str, record: Path) -> None:
        """Find or make the run.

        Args:
            store: tracking URI or folder.
            name: of the run, for people.
            record: file that remembers the run's id for a later resumption.
        """
        for variable, value in _ENVIRONMENT.items():
            os.environ.setdefault(variable, value)
        from mlflow import MlflowClient

        self._client: MlflowClient = MlflowClient(tracking_uri=store)
        self._is_new = not record.is_file()
        if self._is_new:
            run = self._client.create_run(self._experiment(), run_name=name)
            self._id = str(run.info.run_id)
            atomic_write_text(record, json.dumps({"run_id": self._id}) + "\n")
        else:
            self._id = str(json.loads(record.read_text(encoding="utf-8"))["run_id"])
            self._client.update_run(self._id, status="RUNNING")

    def begin(self, parameters: Mapping[str, str], artifacts: tuple[Path, ...]) -> None:
        """See :class:`RunSink`; a resumed run has both already."""
        if not self._is_new:
            return
        from mlflow.entities import Param

        params = [Param(name, value) for name, value in parameters.items()]
        for start in range(0, len(params), _PARAMETERS_AT_ONCE):
            self._client.log_batch(self._id, params=params[start : start + _PARAMETERS_AT_ONCE])
        for path in artifacts:
            self._client.log_artifact(self._id, str(path))

    def epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        """See :class:`RunSink`."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [
            Metric(_NOT_IN_NAMES.sub("_", name), value, now, epoch)
            for name, value in figures.items()
        ]
        for start in range(0, len(metrics), _METRICS_AT_ONCE):
            self._client.log_batch(self._id, metrics=metrics[start : start + _METRICS_AT_ONCE])

    def note(self, epoch: int, sentence: str) -> None:
        """See :class:`RunSink`; the last note of each epoch is a tag."""
        self._client.set_tag(self._id, f"watch.{epoch}", sentence)

    def close(self, *, finished: bool) -> None:
        """See :class:`RunSink`."""
        self._client.set_terminated(self._id, "FINISHED" if finished else "KILLED")

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found else self._client.create_experiment(name))
