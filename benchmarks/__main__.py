"""``python -m benchmarks`` is ``saliedge bench``."""

from __future__ import annotations

from benchmarks.cli import bench
from edge_runtime.errors import run_command

if __name__ == "__main__":
    run_command(bench, name="python -m benchmarks")
