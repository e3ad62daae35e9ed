"""Building the wheel of this checkout, for the tests that install it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "build_wheel", "copy_checkout", "outside"]

ROOT = Path(__file__).resolve().parents[1]


def outside(*command: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
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


def copy_checkout(folder: Path) -> None:
    """Copy what the distribution is built from, without what was built or installed here."""
    skipped = shutil.ignore_patterns(
        ".git", ".venv", "build", "dist", "demo", "runs", "*.egg-info", ".*_cache", "__pycache__"
    )
    shutil.copytree(ROOT, folder, ignore=skipped)


def build_wheel(folder: Path) -> Path:
    """Build the wheel into `folder`, from a copy, so that the checkout stays as it is."""
    copy = folder / "checkout" / "saliedge"
    copy_checkout(copy)
    built = outside(
        sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, copy
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))
