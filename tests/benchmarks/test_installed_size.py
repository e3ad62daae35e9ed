"""How much space the software takes."""

from __future__ import annotations

import shutil

from benchmarks import installed_size
from benchmarks.absent import Absent
from benchmarks.installed_size import installed_bytes
from edge_runtime.bundle import open_bundle

MB = 1_000_000


def test_the_bundle_and_all_that_runs_it_have_a_size(bundle_path):
    bundle = open_bundle(bundle_path)
    found = installed_bytes([bundle], ("onnx", "litert"))
    assert found["bundle"] == sum(record.bytes for record in bundle.spec.files.values())
    assert 0.3 * MB < found["saliedge"] < 10 * MB
    for name in ("onnxruntime", "ai-edge-litert", "numpy", "opencv-python-headless"):
        assert found[name] > MB, name


def test_each_of_several_bundles_has_its_size(bundle_path, tmp_path):
    other = bundle_path.rename(tmp_path / "other.edge")
    shutil.copytree(other, bundle_path)
    found = installed_bytes([open_bundle(bundle_path), open_bundle(other)], ())
    assert found["tiny.edge"] == found["other.edge"] > 0
    assert "bundle" not in found


def test_what_the_system_brought_is_absent_and_not_empty(bundle_path, monkeypatch):
    def missing(name):
        raise installed_size.PackageNotFoundError

    monkeypatch.setattr(installed_size, "distribution", missing)
    found = installed_bytes([open_bundle(bundle_path)], ())
    assert isinstance(found["numpy"], Absent)
