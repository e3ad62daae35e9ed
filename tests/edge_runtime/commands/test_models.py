"""saliedge models, and edge-infer with the model that it chose."""

from __future__ import annotations

import json
import shutil

import pytest

from edge_runtime.bundle import open_bundle
from edge_runtime.models import StoreClassifier


@pytest.fixture
def models(saliedge, tmp_path):
    """Function that runs `saliedge models` on a state directory of the test's own."""
    return lambda *arguments: saliedge("models", "--state-dir", tmp_path / "state", *arguments)


@pytest.fixture
def infer(edge_infer, tmp_path):
    """Function that runs edge-infer on some frames with that state; returns its ending."""

    def run(*arguments):
        return edge_infer(
            *("--state-dir", tmp_path / "state", "--engine", "onnx", "--trial-frames", 5),
            *("--source", "synthetic:?width=64&height=48&frames=6", *arguments),
        )

    return run


def _sha256(path):
    return open_bundle(path).sha256


def test_from_installing_to_rolling_back(models, infer, shelf, tmp_path):
    assert models("install", shelf("first"), "--use", "--engine", "onnx").code == 0
    assert "on trial, 0 starts" in models("list").out
    end = infer("--jsonl", tmp_path / "out.jsonl")
    assert end.code == 0
    record = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert record["bundle_sha256"] == _sha256(shelf("first"))
    assert "has proved itself" in end.err
    assert "good, runs" in models("list").out

    assert models("install", shelf("second"), "--engine", "onnx").code == 0
    assert models("use", "second", "--engine", "onnx").code == 0
    assert infer().code == 0
    assert models("rollback").code == 0
    assert f"Running first {_sha256(shelf('first'))[:12]} in onnx" in infer().err
    end = models("remove", "second")
    assert end.code == 0
    assert "second" not in models("list").out


def test_the_list_for_programs(models, shelf):
    models("install", shelf("first"), "--use", "--engine", "onnx")
    record = json.loads(models("list", "--json").out)
    assert record["runs"] == _sha256(shelf("first"))
    assert [(model["name"], model["state"]) for model in record["models"]] == [
        ("first", "on trial, 0 starts")
    ]


def test_an_empty_store_is_said(models):
    assert "No model is installed" in models("list").out


@pytest.mark.parametrize(
    ("name", "engine", "sentence"),
    [
        ("wrong", "onnx", "does not compute the expected outputs"),
        ("crashing", "litert", "crashed on it (SIGSEGV)"),
    ],
)
def test_a_bundle_that_fails_its_test_is_refused(models, shelf, name, engine, sentence):
    end = models("install", shelf(name), "--engine", engine)
    assert end.code == 8
    assert sentence in end.err
    assert "No model is installed" in models("list").out


def test_without_an_option_every_installed_engine_tests(models, shelf):
    assert models("install", shelf("crashing")).code == 8


def test_an_engine_that_cannot_run_the_bundle_is_a_usage_error(models, shelf):
    end = models("install", shelf("first"), "--engine", "abacus")
    assert end.code == 2
    assert "choose one of: onnx" in end.err


def test_edge_infer_without_a_model_says_what_to_do(infer):
    end = infer()
    assert end.code == 4
    assert "saliedge models install" in end.err


def test_only_what_a_trusted_key_signed_is_installed_and_run(
    models, infer, saliedge, shelf, tmp_path, monkeypatch
):
    signed = shutil.copytree(shelf("first"), tmp_path / "signed.edge")
    key = tmp_path / "clinic.key"
    assert saliedge("keys", "new", key).code == 0
    assert saliedge("sign", signed, "--key", key).code == 0
    monkeypatch.setenv("SALIEDGE_PUBLIC_KEY", str(tmp_path / "clinic.pub"))
    assert models("install", shelf("second"), "--engine", "onnx").code == 9
    assert models("install", signed, "--use", "--engine", "onnx").code == 0
    assert infer().code == 0

    monkeypatch.delenv("SALIEDGE_PUBLIC_KEY")
    assert models("install", shelf("second"), "--use", "--engine", "onnx").code == 0
    end = infer("--public-key", tmp_path / "clinic.pub")
    assert end.code == 0
    assert "failed its trial" in end.err and "is not signed" in end.err
    assert f"Running first {_sha256(signed)[:12]}" in end.err
    end = infer("--bundle", shelf("second"), "--public-key", tmp_path / "clinic.pub")
    assert end.code == 9


@pytest.mark.parametrize(("paced", "follows"), [("", False), ("&fps=200", True)])
def test_only_a_live_source_is_classified_by_a_model_that_is_chosen_meanwhile(
    models, infer, shelf, monkeypatch, paced, follows
):
    models("install", shelf("first"), "--use", "--engine", "onnx")
    seen = []
    leave = StoreClassifier.__exit__

    def note(self, *error):
        seen.append(self.follows)
        leave(self, *error)

    monkeypatch.setattr(StoreClassifier, "__exit__", note)
    assert infer("--source", f"synthetic:?width=64&height=48&frames=6{paced}").code == 0
    assert seen == [follows]
