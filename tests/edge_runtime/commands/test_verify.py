"""saliedge verify: a bundle that is whole and computes here what it should, or why not."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

from edge_runtime import installed_engines
from edge_runtime.bundle import FileRecord
from edge_runtime.files import sha256_bytes
from tests.edge_runtime import tiny_graphs


@pytest.fixture
def bundle_copy(tiny_bundle_path, tmp_path):
    return shutil.copytree(tiny_bundle_path, tmp_path / "copy.edge")


def _replace_array(bundle, name, change):
    """Change a golden file and record its new hash, as a wrong export would."""
    np.save(bundle / name, change(np.load(bundle / name)))
    data = (bundle / name).read_bytes()
    record = json.loads((bundle / "bundle.json").read_text())
    record["files"][name] = FileRecord(sha256_bytes(data), len(data)).to_json()
    (bundle / "bundle.json").write_text(json.dumps(record))


def test_a_good_bundle_passes_in_every_installed_engine(saliedge, tiny_bundle_path):
    end = saliedge("verify", tiny_bundle_path)
    assert end.code == 0
    assert re.search(r"\b(\d+) of \1 files", end.out)
    assert all(engine in end.out for engine in installed_engines())
    assert end.out.count("passed") == 3 * len(installed_engines())


def test_one_engine_can_be_chosen(saliedge, tiny_bundle_path):
    end = saliedge("verify", tiny_bundle_path, "--engine", "onnx")
    assert end.code == 0
    assert "litert" not in end.out


def test_files_can_be_checked_without_an_engine(saliedge, tiny_bundle_path, monkeypatch):
    monkeypatch.setattr("edge_runtime.engines.registry.find_spec", lambda name: None)
    assert saliedge("verify", tiny_bundle_path, "--files-only").code == 0
    end = saliedge("verify", tiny_bundle_path)
    assert end.code == 5
    assert "pip install" in end.err


def test_a_changed_file_is_named(saliedge, bundle_copy):
    data = bytearray((bundle_copy / "int8.tflite").read_bytes())
    data[-1] ^= 1
    (bundle_copy / "int8.tflite").write_bytes(data)
    (bundle_copy / "features-mean.npy").unlink()
    (bundle_copy / "notes.txt").touch()
    end = saliedge("verify", bundle_copy)
    assert end.code == 4
    assert "missing: features-mean.npy; changed: int8.tflite; extra: notes.txt" in end.err


@pytest.mark.parametrize(
    ("name", "change", "graph"),
    [
        ("golden-logits.npy", lambda logits: logits + 0.05, "int8.onnx"),
        ("golden-logits.npy", lambda logits: logits[:, ::-1], "int8.onnx"),
        ("golden-gradient.npy", lambda maps: maps[:, ::-1], "int8-gradient.onnx"),
        ("golden-cam.npy", np.zeros_like, "int8-cam.onnx"),
    ],
    ids=["logits off", "classes swapped", "map flipped", "map empty"],
)
def test_other_outputs_than_expected_fail_the_gate(saliedge, bundle_copy, name, change, graph):
    _replace_array(bundle_copy, name, change)
    end = saliedge("verify", bundle_copy, "--engine", "onnx")
    assert end.code == 8
    assert f"{graph} in onnx" in end.err
    assert "FAILED" in end.out


def test_logits_within_one_step_pass(saliedge, bundle_copy):
    _replace_array(bundle_copy, "golden-logits.npy", lambda logits: logits + 0.0099)
    assert saliedge("verify", bundle_copy, "--engine", "onnx").code == 0


def test_golden_files_that_do_not_fit_are_an_artifact_error(saliedge, bundle_copy):
    _replace_array(bundle_copy, "golden-images.npy", lambda images: images[:, :8])
    end = saliedge("verify", bundle_copy)
    assert end.code == 4
    assert "do not fit" in end.err


def test_a_bundle_without_golden_inputs_says_so(saliedge, tmp_path):
    tiny_graphs.write_bundle(tmp_path / "t.edge", golden=None)
    end = saliedge("verify", tmp_path / "t.edge")
    assert end.code == 4
    assert "no golden inputs" in end.err


def test_an_unknown_engine_is_a_usage_error(saliedge, tiny_bundle_path):
    end = saliedge("verify", tiny_bundle_path, "--engine", "tensorrt")
    assert end.code == 2
    assert "onnx, litert, tflite-runtime" in end.err


def test_an_engine_without_a_graph_in_the_bundle_is_told(saliedge, tmp_path):
    tiny_graphs.write_bundle(tmp_path / "t.edge", formats=("onnx",))
    end = saliedge("verify", tmp_path / "t.edge", "--engine", "litert")
    assert end.code == 5
    assert "no graph for litert" in end.err
