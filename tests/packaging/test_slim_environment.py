"""The device's install: the built wheel in an environment of its own, without torch.

Marked `slim`, since it installs packages from the index: `pytest -m "not slim"` leaves it out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge_runtime.synthetic import write_dataset

pytestmark = pytest.mark.slim

ROOT = Path(__file__).resolve().parents[2]
NEVER_ON_A_DEVICE = ("torch", "torchvision", "onnx", "matplotlib", "rich", "safetensors", "scipy")


def run(*command: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a command outside the checkout, without the checkout on its path."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=environment | changes,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the checkout, so that no build folder is left in it."""
    copy = tmp_path_factory.mktemp("checkout") / "saliedge"
    skipped = shutil.ignore_patterns(".git", ".venv", "build", "dist", "demo", "runs", "*.egg-info")
    shutil.copytree(ROOT, copy, ignore=skipped)
    out = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, copy)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def device(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a device's environment with both engines."""
    folder = tmp_path_factory.mktemp("device") / "venv"
    made = run(sys.executable, "-m", "venv", folder)
    assert made.returncode == 0, made.stderr
    installed = run(
        folder / "bin" / "python", "-m", "pip", "install", "--quiet",
        "-c", ROOT / "constraints.txt", f"{wheel}[onnx,litert]",
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr
    return folder / "bin"


def test_wheel_holds_the_four_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.partition("/")[0] for name in names}
    metadata = {name for name in top if name.endswith(".dist-info")}
    assert top - metadata == {"edge_runtime", "train", "export", "benchmarks"}
    assert len(metadata) == 1
    assert not any("/peers/" in name or "/studies/" in name for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "edge_runtime/web/static/page.html" in names
    assert "edge_runtime/bundle/bundle.schema.json" in names


def test_device_has_none_of_the_workstation_packages(device: Path) -> None:
    code = (
        "from importlib.util import find_spec; import sys;"
        f"sys.exit(str([name for name in {NEVER_ON_A_DEVICE!r} if find_spec(name)]))"
    )
    assert run(device / "python", "-c", code).stderr.strip() == "[]"


@pytest.mark.parametrize(
    "command", [("edge-infer",), ("bench",), ("saliedge",), ("saliedge", "infer")]
)
def test_commands_explain_themselves_on_a_device(device: Path, command: tuple[str, ...]) -> None:
    result = run(device / command[0], *command[1:], "--help")
    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout


@pytest.mark.parametrize("command", ["train", "export"])
def test_a_workstation_command_names_its_extra_on_a_device(device: Path, command: str) -> None:
    arguments = ["--data", "x", "--out", "y"] if command == "train" else ["x", "--out", "y.edge"]
    result = run(device / "saliedge", command, *arguments)
    assert result.returncode == 5, result.stderr
    assert "pip install 'saliedge[" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("engine", ["onnx", "litert"])
def test_device_classifies_and_explains(
    device: Path, engine: str, toy_bundle: Path, tmp_path: Path
) -> None:
    write_dataset(tmp_path / "set", count=3, seed=0, size=48)
    lines = tmp_path / "out.jsonl"
    polyps = tmp_path / "set" / "images" / "polyp"
    result = run(
        device / "edge-infer", "--bundle", toy_bundle, "--source", polyps,
        "--engine", engine, "--saliency", "gradient", "--jsonl", lines,
        "--save-saliency", tmp_path / "maps",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    (record,) = (json.loads(line) for line in lines.read_text().splitlines())
    assert record["engine"] == engine
    assert [path.name for path in (tmp_path / "maps").rglob("*.npy")] == ["000001.npy"]


@pytest.mark.parametrize("module", ["edge_runtime.infer_cli", "benchmarks.cli", "edge_runtime.cli"])
def test_importing_a_command_imports_no_engine(device: Path, module: str) -> None:
    code = (
        f"import sys, {module};"
        "sys.exit(str([n for n in ('onnxruntime', 'ai_edge_litert', 'cv2') if n in sys.modules]))"
    )
    assert run(device / "python", "-c", code).stderr.strip() == "[]"
