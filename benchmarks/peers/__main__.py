"""``python -m benchmarks.peers``."""

from benchmarks.peers.cli import peers
from edge_runtime.errors import run_command

if __name__ == "__main__":
    run_command(peers, None, name="python -m benchmarks.peers")
