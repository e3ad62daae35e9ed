from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from edge_runtime.bundle import open_bundle, reference_path
from edge_runtime.errors import EXIT_CODES, ArtifactError, DataError, GateError, OutputError
from export import candidate as candidate_module
from export.bundle_writer import gates_path, report_path
from train.quantization import load_network, save_network


@pytest.fixture
def run_copy(tiny_run, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(tiny_run, path)
    return path


@pytest.fixture
def earlier(tiny_bundle, tmp_path):
    """A place with a bundle already, and its identity."""
    out = tmp_path / "out" / "model.edge"
    shutil.copytree(tiny_bundle, out)
    return out, open_bundle(out).sha256


def _names(folder):
    """What lies in a folder, but for what engines had to say."""
    return {path.name for path in folder.iterdir() if path.suffix != ".log"}


def _corrupt_emitter(monkeypatch):
    """ONNX files whose last layer has one weight of the other sign."""
    from dataclasses import replace

    from export.onnx_format.emitter import emit_onnx

    def emit(program):
        def changed(operation):
            if type(operation).__name__ != "Linear":
                return operation
            weight = operation.weight.copy()
            weight[np.unravel_index(np.abs(weight).argmax(), weight.shape)] *= -1
            return replace(operation, weight=weight)

        return emit_onnx(replace(program, operations=tuple(map(changed, program.operations))))

    monkeypatch.setitem(candidate_module._EMITTERS, "onnx", emit)


def test_an_existing_bundle_is_kept_without_force(run_export, tiny_run, earlier):
    out, identity = earlier
    with pytest.raises(OutputError, match="--force") as error:
        run_export(tiny_run, out)
    assert error.value.exit_code == 7
    assert open_bundle(out).sha256 == identity
    assert not gates_path(out).exists() and not report_path(out).exists()


@pytest.mark.parametrize("name", ["model.edge", "model.reference"])
def test_a_folder_that_no_export_wrote_is_kept_with_force(run_export, tiny_run, tmp_path, name):
    (tmp_path / name / "polyp").mkdir(parents=True)
    with pytest.raises(OutputError, match="not replaced"):
        run_export(tiny_run, tmp_path / "model.edge", "--force")
    assert _names(tmp_path / name) == {"polyp"} and _names(tmp_path) == {name}


def test_force_replaces_it_and_no_reference_means_none(run_export, tiny_run, earlier):
    out, identity = earlier
    run_export(tiny_run, out, "--force", "--no-reference")
    assert open_bundle(out).sha256 != identity
    assert not reference_path(out).exists()
    beside = {gates_path(out).name, report_path(out).name}
    assert _names(out.parent) == {"model.edge", *beside}


def test_the_same_run_gives_the_same_graphs(run_export, tiny_run, tmp_path):
    files = []
    for name in ("a.edge", "b.edge"):
        run_export(tiny_run, tmp_path / name, "--no-reference")
        files.append(open_bundle(tmp_path / name).spec.files)
    graphs = [name for name in files[0] if name.endswith((".onnx", ".tflite", ".npy"))]
    assert [files[0][name] for name in graphs] == [files[1][name] for name in graphs]


def test_training_images_are_shown_only_where_asked_for_which_the_bundle_says(
    run_export, tiny_run, tmp_path
):
    run_export(tiny_run, tmp_path / "a.edge", "--include-images", "--no-reference")
    assert open_bundle(tmp_path / "a.edge").spec.includes_images
    assert report_path(tmp_path / "a.edge").read_text().count("training image;") == 6


def test_a_failed_gate_leaves_a_report_and_the_earlier_bundle(
    run_export, tiny_run, earlier, monkeypatch
):
    out, identity = earlier
    _corrupt_emitter(monkeypatch)
    with pytest.raises(
        GateError, match=r"onnx: logit steps .*most noise is .* was not written"
    ) as error:
        run_export(tiny_run, out, "--force")
    assert error.value.exit_code == 8
    assert open_bundle(out).sha256 == identity
    report = json.loads(gates_path(out).read_text())
    assert report["passed"] is False and "onnx: logit steps" in report["failed"]
    assert "No bundle was written." in report_path(out).read_text()
    assert not reference_path(out).exists()


def test_a_failed_gate_leaves_no_bundle_where_there_was_none(
    run_export, tiny_run, tmp_path, monkeypatch
):
    _corrupt_emitter(monkeypatch)
    with pytest.raises(GateError):
        run_export(tiny_run, tmp_path / "model.edge")
    assert _names(tmp_path) == {"model.gates.json", "model.report.html"}


def test_graphs_with_maps_are_left_out_where_nobody_wants_them(run_export, tiny_run, tmp_path):
    run_export(tiny_run, tmp_path / "plain.edge", "--no-saliency", "--no-reference")
    bundle = open_bundle(tmp_path / "plain.edge")
    assert {graph.saliency for graph in bundle.spec.graphs} == {"none"}
    assert bundle.spec.golden.saliency_files == {}


def test_a_network_without_an_integer_gradient_is_bundled_without_it(
    run_export, tiny_run, tmp_path, monkeypatch, capsys
):
    def refuse(*_):
        raise ArtifactError("MaxPool (pool) has no integer gradient.")

    monkeypatch.setitem(candidate_module._DERIVATIONS, "gradient", refuse)
    run_export(tiny_run, tmp_path / "model.edge")
    spec = open_bundle(tmp_path / "model.edge").spec
    modes = ("none", "gradient-early", "cam")
    assert spec.saliency_modes("onnx") == spec.saliency_modes("tflite") == modes
    assert spec.golden.saliency_files.keys() == set(modes[1:])
    assert "MaxPool" in spec.provenance["export"]["left_out"]["gradient"]
    assert "no gradient graph: MaxPool" in capsys.readouterr().out


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.999])
def test_a_flipped_byte_in_the_checkpoint_is_seen(run_export, run_copy, tmp_path, share):
    path = run_copy / "best.safetensors"
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"best\.safetensors"):
        run_export(run_copy, tmp_path / "model.edge")
    assert not (tmp_path / "model.edge").exists()


@pytest.mark.parametrize(
    ("value", "sentence"), [(float("nan"), "not finite"), (float("inf"), "not finite")]
)
def test_a_checkpoint_with_weights_that_are_no_numbers(
    run_export, run_copy, tmp_path, value, sentence
):
    network, metadata = load_network(run_copy / "best.safetensors")
    with torch.no_grad():
        network.network_parameters()[0].view(-1)[0] = value
    save_network(run_copy / "best.safetensors", network, metadata)
    with pytest.raises(ArtifactError, match=sentence):
        run_export(run_copy, tmp_path / "model.edge")


@pytest.mark.parametrize("alpha", [0.0, -1.0])
def test_a_checkpoint_with_an_alpha_that_is_not_positive(run_export, run_copy, tmp_path, alpha):
    network, metadata = load_network(run_copy / "best.safetensors")
    with torch.no_grad():
        network.alpha_parameters()[0].fill_(alpha)
    save_network(run_copy / "best.safetensors", network, metadata)
    with pytest.raises(ArtifactError, match="clip value"):
        run_export(run_copy, tmp_path / "model.edge")


def test_a_run_without_learned_ranges(run_export, run_copy, tmp_path):
    for suffix in (".safetensors", ".json"):
        shutil.copy(run_copy / f"float{suffix}", run_copy / f"best{suffix}")
    with pytest.raises(ArtifactError, match="without learned ranges"):
        run_export(run_copy, tmp_path / "model.edge")


def test_a_record_that_does_not_fit_its_network(run_export, run_copy, tmp_path):
    network, metadata = load_network(run_copy / "best.safetensors")
    save_network(run_copy / "best.safetensors", network, metadata | {"classes": ["a", "b"]})
    with pytest.raises(ArtifactError, match="names 2 classes"):
        run_export(run_copy, tmp_path / "model.edge")


def test_a_folder_that_is_no_run(run_export, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "missing"):
        with pytest.raises(ArtifactError, match=folder):
            run_export(tmp_path / folder, tmp_path / "model.edge")


def test_images_that_have_moved_are_asked_for(run_export, run_copy, tmp_path):
    config = run_copy / "config.toml"
    text = config.read_text()
    source = "synthetic:?count=120&seed=0&size=48"
    config.write_text(text.replace(source, str(tmp_path / "gone")))
    with pytest.raises(DataError, match="--data"):
        run_export(run_copy, tmp_path / "model.edge")
    run_export(run_copy, tmp_path / "model.edge", "--data", source, "--no-reference")


_PROCESS = [sys.executable, "-m", "export"]


def test_an_error_is_one_sentence_and_its_code(tmp_path):
    result = subprocess.run(
        [*_PROCESS, str(tmp_path / "none"), "--out", str(tmp_path / "a.edge")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 4 and result.returncode in EXIT_CODES
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr


def test_the_help_needs_no_torch():
    program = (
        "import sys; from export.cli import export; export.main(['-h'], standalone_mode=False);"
        "sys.exit('torch' in sys.modules or 'onnx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# Where the process kills itself, as SIGKILL from outside would: at the first call of these.
_POINTS = [
    "export.exporter.judge",
    "export.exporter.write_report",
    "export.exporter.write_reference",
    "export.exporter.write_bundle",
    "export.bundle_writer.open_bundle",
    "edge_runtime.files._put_in_place",
]


@pytest.mark.parametrize("point", _POINTS)
def test_a_killed_export_leaves_the_earlier_bundle_whole(tiny_run, earlier, point):
    out, identity = earlier
    module, _, name = point.rpartition(".")
    flag = "--reference" if "reference" in point else "--no-reference"
    program = (
        f"import os, signal, {module} as module\n"
        f"module.{name} = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from export.cli import export\n"
        f"export.main([{str(tiny_run)!r}, '--out', {str(out)!r}, '--samples', '16', '--force',"
        f" {flag!r}])"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, env=environment
    )
    assert result.returncode == -signal.SIGKILL, result.stderr
    assert open_bundle(out).sha256 == identity
    assert open_bundle(out).verify_files().passed
    # What a killed command left behind is hidden, and the next export does not mind it.
    visible = {name for name in _names(out.parent) if not name.startswith(".")}
    assert visible <= {"model.edge", gates_path(out).name, report_path(out).name}
