"""A run in a real MLflow store, which must never cost the training anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edge_runtime.errors import DependencyError, UsageError
from tests.requirements import require_module
from tests.train.conftest import tiny_config
from train.config import RunConfig, to_tables
from train.run.directory import RunDirectory
from train.run.progress import plain_reporter
from train.run.sinks import open_sinks
from train.sinks.base import GuardedSink
from train.sinks.mlflow import tracking_store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of files, which MLflow wants to be asked for."""
    require_module("mlflow", "mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return tmp_path / "store"


def begun(config, folder: Path, epochs_done: int = 0):
    """The sinks of a run whose configuration is on disk."""
    run = RunDirectory(folder)
    folder.mkdir(exist_ok=True)
    run.config.write_text("[data]\n")
    with plain_reporter() as reporter:
        return open_sinks(config, run, epochs_done, reporter.message)


def with_mlflow(uri: object):
    config = tiny_config()
    return replace(config, run=replace(config.run, mlflow=str(uri)))


def test_a_run_and_its_resumption_are_one_run_of_mlflow(store: Path, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    config = with_mlflow(store)
    (sink,) = begun(config, tmp_path / "run")
    sink.epoch(1, {"epoch/val_loss": 0.5, "alpha/stem[0]": 2.0})
    sink.close(finished=False)
    (sink,) = begun(config, tmp_path / "run", epochs_done=1)
    sink.epoch(2, {"epoch/val_loss": 0.25})
    sink.note(2, "all is well.")
    sink.close(finished=True)

    client = MlflowClient(tracking_uri=str(store))
    experiment = client.get_experiment_by_name("saliedge")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("run", "FINISHED")
    history = client.get_metric_history(run.info.run_id, "epoch/val_loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.25)]
    assert run.data.metrics["alpha/stem_0_"] == 2.0
    tables = to_tables(config)
    assert run.data.params["optimizer.lr"] == str(tables["optimizer"]["lr"])
    assert len(run.data.params) == sum(len(table) for table in tables.values())
    assert run.data.tags["watch.2"] == "all is well."
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["config.toml"]


def test_a_store_that_fails_is_told_once_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_module("mlflow", "mlflow")
    (sink,) = begun(with_mlflow("gopher://nowhere"), tmp_path / "run")
    sink.epoch(1, {"epoch/val_loss": 0.5})
    sink.close(finished=True)
    assert capsys.readouterr().out.count("MLflow takes no part in this run any more") == 1


def test_a_sink_that_breaks_later_is_left_out_too() -> None:
    class Full:
        def epoch(self, epoch: int, figures: dict[str, float]) -> None:
            raise OSError("No space left on device")

    told: list[str] = []
    sink = GuardedSink("Events", Full, told.append)  # type: ignore[arg-type]
    sink.epoch(1, {})
    sink.epoch(2, {})
    assert told == ["Events takes no part in this run any more: No space left on device"]


def test_nothing_is_tracked_unless_a_store_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    require_module("mlflow", "mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_store("") is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there")
    assert tracking_store("") == "http://there"
    assert tracking_store("here") == "here"
    assert tracking_store("none") is None


def test_a_named_store_needs_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.sinks.mlflow.find_spec", lambda _: None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there")
    assert tracking_store("") is None
    with pytest.raises(DependencyError, match=r"saliedge\[mlflow\]"):
        tracking_store("here")


def test_a_password_is_not_stored_with_the_run() -> None:
    with pytest.raises(UsageError, match="MLFLOW_TRACKING_PASSWORD"):
        RunConfig(mlflow="https://me:secret@there")


def test_mlflow_sends_no_telemetry(store: Path, tmp_path: Path) -> None:
    code = (
        "import json, pathlib, sys\n"
        "from train.sinks.mlflow import MlflowSink\n"
        "MlflowSink(sys.argv[1], 'run', pathlib.Path(sys.argv[2]))\n"
        "from mlflow.telemetry.utils import is_telemetry_disabled\n"
        "print(json.dumps(is_telemetry_disabled()))\n"
    )
    # A bare environment: MLflow stays silent by itself where it sees a test or a build server.
    environment = {"PATH": os.environ["PATH"], "MLFLOW_ALLOW_FILE_STORE": "true"}
    ended = subprocess.run(
        [sys.executable, "-c", code, str(store), str(tmp_path / "mlflow.json")],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) is True
