"""The device's environment: what is imported, and that it works without any training framework."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest

import edge_runtime
from edge_runtime import installed_engines

HEAVY = ("torch", "onnx", "matplotlib", "onnxruntime", "ai_edge_litert", "sklearn", "scipy", "rich")
DEVICE_DISTRIBUTIONS = ("numpy", "click", "pillow", "opencv-python-headless")
ENGINE_DISTRIBUTIONS = {
    "onnx": "onnxruntime",
    "litert": "ai-edge-litert",
    "tflite-runtime": "tflite-runtime",
}


@pytest.mark.parametrize(
    "code",
    [
        "import edge_runtime, edge_runtime.infer.cli",
        "import edge_runtime.cli; edge_runtime.cli.saliedge(['--help'], standalone_mode=False)",
        "from edge_runtime.infer.cli import infer; infer(['--help'], standalone_mode=False)",
    ],
    ids=["import", "saliedge --help", "edge-infer --help"],
)
def test_importing_and_help_load_nothing_heavy(code):
    check = (
        f"import sys; {code}; "
        f"loaded = sorted(set(sys.modules) & set({(*HEAVY, 'cv2', 'PIL')!r})); "
        f"assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", check], check=True, stdout=subprocess.DEVNULL)


def test_a_run_loads_no_metrics():
    check = "import sys, edge_runtime.infer.run; sys.exit('edge_runtime.metrics' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)


@pytest.fixture(scope="module")
def device_python(tmp_path_factory):
    """Python of a new environment that holds the device's packages and nothing else."""
    root = tmp_path_factory.mktemp("device")
    venv.create(root, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(root)}))
    names = [*DEVICE_DISTRIBUTIONS, *(ENGINE_DISTRIBUTIONS[name] for name in installed_engines())]
    for name in names:
        for file in distribution(name).files or ():
            top = file.parts[0]
            if top != ".." and top != "__pycache__" and not (site / top).exists():
                (site / top).symlink_to(Path(distribution(name).locate_file(top)))
    shutil.copytree(Path(edge_runtime.__file__).parent, site / "edge_runtime")
    return root / "bin" / "python"


@pytest.mark.parametrize("engine", installed_engines())
def test_inference_works_without_any_training_framework(
    device_python, tiny_bundle_path, photos, tmp_path, engine
):
    out = tmp_path / "out.jsonl"
    command = [
        *(str(device_python), "-m", "edge_runtime.infer.cli", "--bundle", str(tiny_bundle_path)),
        *("--source", str(photos), "--engine", engine, "--jsonl", str(out)),
        *("--save-overlay", str(tmp_path / "pictures")),
    ]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(command, check=True, cwd=tmp_path, env=environment, capture_output=True)
    labels = [json.loads(line)["label"] for line in out.read_text().splitlines()]
    assert labels == ["red", "green", "blue"]


@pytest.mark.parametrize("name", ["torch", "onnx", "matplotlib"])
def test_the_device_environment_really_lacks_the_rest(device_python, name, tmp_path):
    command = [str(device_python), "-c", f"import {name}"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert ended.returncode != 0
    assert b"ModuleNotFoundError" in ended.stderr


def test_a_command_of_the_workstation_names_its_extra_on_the_device(device_python, tmp_path):
    code = "from edge_runtime.cli import main; main(['train'])"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    ended = subprocess.run(
        [str(device_python), "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 5
    assert "pip install 'saliedge[train]'" in ended.stderr
