"""The device's install: the built wheel in an environment of its own, without torch.

Marked `slim`, since it installs packages from the index: `pytest -m "not slim"` leaves it out.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest

from edge_runtime.synthetic import write_dataset
from tests.wheel import ROOT, build_wheel, outside

pytestmark = pytest.mark.slim

NEVER_ON_A_DEVICE = ("torch", "torchvision", "onnx", "matplotlib", "rich", "safetensors", "scipy")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def device(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a device's environment with both engines."""
    folder = tmp_path_factory.mktemp("device") / "venv"
    made = outside(sys.executable, "-m", "venv", folder)
    assert made.returncode == 0, made.stderr
    installed = outside(
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
    assert "benchmarks/emulate/counter.c" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "edge_runtime/web/static/page.html" in names
    assert "train/reader_study/static/page.html" in names
    assert "edge_runtime/bundle/bundle.schema.json" in names


def test_device_has_none_of_the_workstation_packages(device: Path) -> None:
    code = (
        "from importlib.util import find_spec; import sys;"
        f"sys.exit(str([name for name in {NEVER_ON_A_DEVICE!r} if find_spec(name)]))"
    )
    assert outside(device / "python", "-c", code).stderr.strip() == "[]"


@pytest.mark.parametrize(
    "command", [("edge-infer",), ("bench",), ("saliedge",), ("saliedge", "infer")]
)
def test_commands_explain_themselves_on_a_device(device: Path, command: tuple[str, ...]) -> None:
    result = outside(device / command[0], *command[1:], "--help")
    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout


@pytest.mark.parametrize("command", ["train", "export"])
def test_a_workstation_command_names_its_extra_on_a_device(device: Path, command: str) -> None:
    arguments = ["--data", "x", "--out", "y"] if command == "train" else ["x", "--out", "y.edge"]
    result = outside(device / "saliedge", command, *arguments)
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
    result = outside(
        device / "edge-infer", "--bundle", toy_bundle, "--source", polyps,
        "--engine", engine, "--saliency", "gradient", "--jsonl", lines,
        "--save-saliency", tmp_path / "maps",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    (record,) = (json.loads(line) for line in lines.read_text().splitlines())
    assert record["engine"] == engine
    assert [path.name for path in (tmp_path / "maps").rglob("*.npy")] == ["000001.npy"]


@pytest.mark.parametrize("module", ["edge_runtime.infer.cli", "benchmarks.cli", "edge_runtime.cli"])
def test_importing_a_command_imports_no_engine(device: Path, module: str) -> None:
    code = (
        f"import sys, {module};"
        "sys.exit(str([n for n in ('onnxruntime', 'ai_edge_litert', 'cv2') if n in sys.modules]))"
    )
    assert outside(device / "python", "-c", code).stderr.strip() == "[]"
