"""``python -m export`` is ``saliedge export``."""

from __future__ import annotations

from edge_runtime.errors import run_command
from export.cli import export

if __name__ == "__main__":
    run_command(export, name="python -m export")
