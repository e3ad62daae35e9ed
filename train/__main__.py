"""``python -m train`` is ``saliedge train``."""

from __future__ import annotations

from edge_runtime.errors import run_command
from train.commands.train import train

if __name__ == "__main__":
    run_command(train, name="python -m train")
