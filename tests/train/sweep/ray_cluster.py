"""A Ray cluster of real processes on this machine, of which nothing is left afterwards."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from train.launch import end_with_parent

__all__ = ["RayCluster", "ray_cluster", "session_of", "until"]

_OBJECT_STORE_BYTES = 80 * 1024 * 1024
_PATIENCE_SECONDS = 300.0


@dataclass
class RayCluster:
    """Machines of one processor each, which are groups of processes.

    Attributes:
        port: of the head.
        folder: of sockets and logs; sockets want a short path.
        environment: for everything that takes part, with the token.
        machines: process of each `ray start`, the head first.
    """

    port: int
    folder: Path
    environment: Mapping[str, str]
    machines: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a machine with `ray start`, as a user does, in a group of its own."""
        command = (sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1")
        store = f"--object-store-memory={_OBJECT_STORE_BYTES}"
        output = self.folder / f"machine{len(self.machines)}"
        machine = subprocess.Popen(
            [*command, store, *options],
            env=self.environment,
            stdout=output.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A test run that is killed cleans up nothing.
            preexec_fn=end_with_parent,
        )
        self.machines.append(machine)
        until(
            lambda: "Ray runtime started" in output.read_text() or machine.poll(),
            "ray start",
            output,
        )
        assert machine.poll() is None, output.read_text()
        return machine

    def kill(self, machine: subprocess.Popen[bytes]) -> None:
        """End a machine at once, as a power cut does, with all its processes."""
        # They put themselves into groups of their own and under other parents, but stay in the
        # session; and one may start another while it is looked for.
        while found := session_of(machine.pid):
            for process in found:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            machine.poll()


@contextmanager
def ray_cluster(folder: Path) -> Iterator[RayCluster]:
    """A cluster of one machine, to which others may be added."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    cluster = RayCluster(port, folder, environment)
    try:
        cluster.start(
            "--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={folder}"
        )
        yield cluster
    finally:
        for machine in cluster.machines:
            cluster.kill(machine)


def session_of(leader: int) -> list[int]:
    """Living processes of the session."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit():
                # Behind the name in parentheses: state, parent, group, session.
                state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) == leader and state != "Z":
                    found.append(int(entry.name))
    return found


def until(happened: Callable[[], object], what: str, log: Path | None = None) -> None:
    """Wait for a condition, for as long as a machine that does much else may need."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not happened():
        told = log.read_text() if log else ""
        assert time.monotonic() < deadline, f"{what} has not happened: {told}"
        time.sleep(0.05)
