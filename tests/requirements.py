"""Naming what a test needs from the machine: skipped by name, or a failure where all is required.

Tests skip on a developer's machine that lacks a program, package or device. Where the variable
`SALIEDGE_REQUIRE` is `all` (as `.ci/run` sets it), a skip would hide a hole, so it fails.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

__all__ = ["real_image_folder", "require", "require_module", "require_patience", "require_program"]


def require(name: str, available: bool, how: str) -> None:
    """Go on if `available`; else skip the test, or fail it where everything is required.

    Args:
        name: What is needed, e.g. "chromium".
        available: Whether it is there.
        how: How to get it, e.g. "apt-get install chromium".
    """
    if available:
        return
    reason = f"needs {name}: {how}"
    if os.environ.get("SALIEDGE_REQUIRE") == "all":
        pytest.fail(f"{reason} (SALIEDGE_REQUIRE=all)", pytrace=False)
    pytest.skip(reason)


def require_program(name: str, package: str) -> Path:
    """Return the path of a program that a Debian package installs."""
    found = shutil.which(name)
    require(name, found is not None, f"apt-get install {package}")
    return Path(str(found))


def require_module(name: str, extra: str) -> None:
    """Need a Python package that an extra of this project installs."""
    require(name, find_spec(name) is not None, f"pip install 'saliedge[{extra}]'")


def require_patience(time: str) -> None:
    """Skip a test that only waits for long, unless `SALIEDGE_SLOW` is set (`make test-all`).

    Args:
        time: How long it takes, in words.
    """
    if not os.environ.get("SALIEDGE_SLOW"):
        pytest.skip(f"takes {time}: make test-all")


def real_image_folder() -> Path:
    """Return the folder of real images; skip if the variable `SALIEDGE_DATA` is not set.

    Real images cannot be installed, so their absence is never a failure; a variable that names a
    folder without them is.
    """
    named = os.environ.get("SALIEDGE_DATA")
    if not named:
        pytest.skip("needs real images: set SALIEDGE_DATA to the folder that holds hyperkvasir5/")
    folder = Path(named)
    if not (folder / "hyperkvasir5" / "labels.csv").is_file():
        pytest.fail(f"SALIEDGE_DATA={named} holds no hyperkvasir5/labels.csv", pytrace=False)
    return folder
