"""Trials on a real cluster of two machines, one of which dies in the middle of a trial."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_runtime.errors import EXIT_CODES
from tests.requirements import require_module, require_patience
from tests.train.sweep.conftest import DATA, RECIPE
from tests.train.sweep.ray_cluster import RayCluster, ray_cluster, until
from train.loop.trainer import train
from train.run.directory import RunDirectory
from train.run.progress import quiet_reporter
from train.sweep.records import read_trials

EPOCHS_FLOAT = 60


@pytest.fixture
def cluster() -> Iterator[RayCluster]:
    require_module("ray", "ray")
    require_patience("two minutes")
    # The paths of Ray's sockets are long, and those of pytest's folders, too.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, ray_cluster(Path(folder)) as made:
        yield made


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_a_trial_whose_machine_dies_goes_on_elsewhere_to_the_same_result(
    cluster: RayCluster, tmp_path: Path
) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    out = tmp_path / "sweep"
    vary = ("--vary", "lr_float=1e-3,2e-3,3e-3", "--epochs-float", str(EPOCHS_FLOAT))
    places = ("--data", DATA, "--out", str(out), "--config", str(tmp_path / "recipe.toml"))
    command = (
        str(Path(sys.executable).with_name("saliedge")),
        "sweep",
        "--address",
        cluster.address,
    )
    worker = cluster.start(f"--address={cluster.address}")
    with subprocess.Popen(
        [*command, *places, *vary], env=cluster.environment, stdout=subprocess.PIPE, text=True
    ) as sweep:
        until(lambda: len(list(out.glob("runs/*/last.json"))) == 2, "a trial on each machine")
        cluster.kill(worker)
        begun = sorted(out.glob("runs/*/last.json"))
        before = {state.parent.name: lines(state.with_name("log.csv"))[1] for state in begun}
        assert all(json.loads(state.read_text())["epochs_done"] < EPOCHS_FLOAT for state in begun)
        output, _ = sweep.communicate(timeout=600)
    assert sweep.returncode == 0, EXIT_CODES[sweep.returncode]
    assert "died" in output
    records = read_trials(out)
    assert [record.status for record in records.values()] == ["finished"] * 3
    assert sorted(record.attempts for record in records.values()) == [1, 1, 2]
    for name, first_epoch in before.items():
        # With its seconds, which no second beginning would take again.
        assert lines(out / "runs" / name / "log.csv")[1] == first_epoch
    for name in records:
        run, again = RunDirectory(out / "runs" / name), RunDirectory(tmp_path / name)
        with quiet_reporter() as reporter:
            train(run.read_config(), again, reporter)
        assert again.best_checkpoint.read_bytes() == run.best_checkpoint.read_bytes()
