"""Fixtures of the peers' tests: a Python with the peers' packages, and a run beside its bundle."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.requirements import require
from tests.wheel import ROOT

_REQUIREMENTS = ROOT / "benchmarks/peers/requirements.txt"


@pytest.fixture(scope="session")
def peers_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has what this one has, and the peers' packages."""
    if find_spec("ai_edge_quantizer") is not None:
        return Path(sys.executable)
    folder = tmp_path_factory.mktemp("peers") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin/python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    # A folder of packages that is added by a .pth file has its own .pth files read, too.
    line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (Path(site) / "shared.pth").write_text(line)
    installed = subprocess.run(
        [
            *(python, "-m", "pip", "install", "--quiet", "-r", _REQUIREMENTS),
            *("-c", ROOT / "constraints.txt"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    require(
        "ai-edge-quantizer",
        installed.returncode == 0,
        "pip install -r benchmarks/peers/requirements.txt",
    )
    return python


@pytest.fixture(scope="session")
def run_beside_bundle(
    tiny_run: Path, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run whose bundle and reference lie where the command looks for them; read-only."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "tiny").symlink_to(tiny_run)
    (folder / "tiny.edge").symlink_to(tiny_bundle)
    (folder / "tiny.reference").symlink_to(tiny_bundle.with_name("tiny.reference"))
    return folder / "tiny"
