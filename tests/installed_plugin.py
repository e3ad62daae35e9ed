"""Installing the example of a plug-in into a folder of its own, which a test puts on the path."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.wheel import outside

__all__ = ["EXAMPLE", "install_example"]

EXAMPLE = Path(__file__).parent / "example_plugin"


def install_example(folder: Path) -> Path:
    """Install `tests/example_plugin` as pip does for anybody, and return where it is.

    Args:
        folder: A new folder. The package is built in a copy, so that the checkout stays as it is.
    """
    copy, target = folder / "source", folder / "installed"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    installed = outside(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
        "--no-index", "--disable-pip-version-check", "--target", target, copy,
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr
    return target
