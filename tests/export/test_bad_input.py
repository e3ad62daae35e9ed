"""What an export is given may be wrong in many ways: one sentence each, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from edge_runtime.bundle import open_bundle
from edge_runtime.errors import ArtifactError, OutputError
from train.quantization import load_network, save_network


@pytest.fixture
def run_copy(tiny_run, tmp_path):
    return shutil.copytree(tiny_run, tmp_path / "run")


def _rewrite_header(path, change):
    """Write a checkpoint again with another record; its digest is left as it was."""
    with safe_open(path, framework="pt") as archive:
        digest, _, text = archive.metadata()["saliedge"].partition("\n")
        tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
    record = json.loads(text)
    change(record)
    path.write_bytes(save(tensors, {"saliedge": f"{digest}\n{json.dumps(record)}"}))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda record: record.update(version=99), "checkpoint version 99"),
        (lambda record: record.update(format="other"), "not written by `saliedge train`"),
        (lambda record: record.update(quantized="yes"), "is damaged"),
    ],
    ids=["another version", "another program", "altered"],
)
def test_a_checkpoint_of_another_kind(run_export, run_copy, tmp_path, change, sentence):
    _rewrite_header(run_copy / "best.safetensors", change)
    with pytest.raises(ArtifactError, match=sentence):
        run_export(run_copy, tmp_path / "model.edge")
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


@pytest.mark.parametrize("alpha", [float("inf"), float("nan")])
def test_a_clip_that_is_no_number(run_export, run_copy, tmp_path, alpha):
    network, metadata = load_network(run_copy / "best.safetensors")
    with torch.no_grad():
        network.alpha_parameters()[-1].fill_(alpha)
    save_network(run_copy / "best.safetensors", network, metadata)
    with pytest.raises(ArtifactError, match=r"clip value|not finite"):
        run_export(run_copy, tmp_path / "model.edge")


def test_a_place_that_is_read_only_is_told_before_any_work(run_export, tiny_run, monkeypatch):
    """The kernel's own file system, which nobody can write to, not even root."""
    monkeypatch.setattr("export.exporter._read_run", None)
    with pytest.raises(OutputError, match="/sys/kernel"):
        run_export(tiny_run, "/sys/kernel/model.edge")


def test_a_file_in_the_way_is_told_before_any_work(run_export, tiny_run, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("export.exporter._read_run", None)
    with pytest.raises(OutputError, match="is in the way"):
        run_export(tiny_run, tmp_path / "file" / "model.edge")


@pytest.mark.parametrize(
    ("limit_kb", "named"), [(4, "temporary folder"), (300, "too large for its disk")]
)
def test_a_disk_that_fills_up_leaves_the_earlier_bundle(
    tiny_run, tiny_bundle, tmp_path, limit_kb, named
):
    """A limit on the size of files, which the proof hits first, and then what is written."""
    out = tmp_path / "out" / "model.edge"
    shutil.copytree(tiny_bundle, out)
    identity = open_bundle(out).sha256
    program = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_kb << 10}, {limit_kb << 10}))\n"
        "from edge_runtime.cli import main\n"
        f"main(['export', {str(tiny_run)!r}, '--out', {str(out)!r}, '--samples', '16', '--force'])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert ended.returncode == 7, ended.stderr
    (sentence,) = (line for line in ended.stderr.splitlines() if line.startswith("Error"))
    assert named in sentence
    assert "Traceback" not in ended.stderr
    assert open_bundle(out).sha256 == identity
    assert open_bundle(out).verify_files().passed
    assert not [path for path in out.parent.iterdir() if path.name.startswith(".")]
