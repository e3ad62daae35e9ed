"""The Ray cluster of a sweep: one of its own on this machine, or one that runs already.

Ray's core alone, and a loop of our own over its tasks, instead of Ray Tune: Tune adds pandas,
pyarrow and tensorboardX (200 MB), keeps its own pickled state of experiments, and wants trials to
write its kind of checkpoint, whereas a run of `saliedge train` is resumable by itself and a sweep
keeps its rows as JSON. What is left of Tune for a sweep is the drawing of values and the halving.

What Ray is told in any case: no usage statistics, no dashboard, tokens for every connection. A
cluster of its own listens on the loopback interface only, with a token that is made for it and
written nowhere, and ends with the command, even if that is killed.
"""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.errors import DependencyError, UsageError

__all__ = ["Machine", "Needs", "connected", "machines"]

# Ray's least; what goes through it are records and, without a shared folder, finished runs.
_OBJECT_STORE_BYTES = 80 * 1024 * 1024
_REACH_SECONDS = 5.0
# The first version with tokens.
_FIRST_VERSION = (2, 52)
_EVERYWHERE = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token"}
# What Ray does by itself on systems where it supports one machine only: loopback and nothing else.
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
# Paths of sockets may have 107 characters, and Ray's own part is long.
_TEMPORARY = "/tmp"


@dataclass(frozen=True)
class Needs:
    """What a trial takes of a machine."""

    cpus: int
    gpus: float

    def __str__(self) -> str:
        gpus = f" and {self.gpus:g} GPU" if self.gpus else ""
        return f"{self.cpus} CPU{gpus}"


@dataclass(frozen=True)
class Machine:
    """A machine of the cluster.

    Attributes:
        node_id: Ray's name of it.
        address: for people.
        cpus: that Ray may use.
        gpus: likewise.
    """

    node_id: str
    address: str
    cpus: float
    gpus: float

    def slots(self, needs: Needs) -> int:
        """How many trials fit at once."""
        by_gpu = self.gpus // needs.gpus if needs.gpus else float("inf")
        return int(min(self.cpus // needs.cpus, by_gpu))


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """The module ``ray``, connected.

    Args:
        address: of a cluster, ``HOST:PORT`` or ``auto``; None starts one on this machine.

    Raises:
        DependencyError: Ray is not installed or too old, or there is no such cluster, or it refuses
            us.
        UsageError: the address is one of Ray's client.
    """
    if address is not None and "://" in address:
        raise UsageError(
            f"--address {address} goes through Ray's client; run the command on a machine of the "
            "cluster and give HOST:PORT, or auto."
        )
    if address is not None:
        _check_reachable(address)
    settings = dict(_EVERYWHERE)
    if address is None:
        settings |= _LOOPBACK | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
    elif "RAY_AUTH_MODE" in os.environ:
        settings["RAY_AUTH_MODE"] = os.environ["RAY_AUTH_MODE"]
    # Ray reads them when it is imported, and its processes inherit them.
    with _environment(settings):
        ray = _imported()
        with tempfile.TemporaryDirectory(prefix="saliedge-", dir=_TEMPORARY) as folder:
            try:
                _start(ray, address, Path(folder))
                yield ray
            finally:
                ray.shutdown()


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _imported() -> Any:
    import ray

    major, minor = (int(part) for part in ray.__version__.split(".")[:2])
    if (major, minor) < _FIRST_VERSION:
        raise DependencyError(
            f"ray {ray.__version__} knows no tokens; install 2.52 or newer: "
            "pip install --upgrade 'saliedge[ray]'."
        )
    return ray


def _check_reachable(address: str) -> None:
    """Ray itself would try for ten minutes."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS):
            pass
    except (OSError, ValueError, OverflowError) as error:
        raise DependencyError(
            f"nothing answers at --address {address} ({error}); check that the cluster runs there "
            "and that HOST:PORT is what `ray start --head` printed."
        ) from error


def _start(ray: Any, address: str | None, folder: Path) -> None:
    options: dict[str, Any] = {"address": address}
    if address is None:
        options = {
            "address": "local",
            "num_cpus": len(os.sched_getaffinity(0)),
            "object_store_memory": _OBJECT_STORE_BYTES,
            "include_dashboard": False,
            "_temp_dir": str(folder),
        }
    try:
        ray.init(**options, log_to_driver=False, logging_level="ERROR")
    except (
        ConnectionError,
        RuntimeError,
        ValueError,
        TimeoutError,
        ray.exceptions.RayError,
    ) as error:
        where = f"the Ray cluster at {address}" if address else "Ray on this machine"
        reason = " ".join(str(error).split())
        raise DependencyError(
            f"{where} cannot be used ({reason}); check that it has the token that is here, in "
            "~/.ray/auth_token or RAY_AUTH_TOKEN, and see docs/how-to/sweeps.md."
        ) from error


def machines(ray: Any, needs: Needs, warn: Callable[[str], None]) -> list[Machine]:
    """The machines that trials can run on.

    Raises:
        UsageError: a trial fits on none.
    """
    alive = [
        Machine(
            node["NodeID"],
            node["NodeManagerAddress"],
            node["Resources"].get("CPU", 0.0),
            node["Resources"].get("GPU", 0.0),
        )
        for node in ray.nodes()
        if node["Alive"]
    ]
    fitting = [machine for machine in alive if machine.slots(needs)]
    if not fitting:
        largest = max(alive, key=lambda machine: (machine.gpus, machine.cpus))
        raise UsageError(
            f"a trial takes {needs}, and no machine has so much (the largest: {largest.cpus:g} "
            f"CPU, {largest.gpus:g} GPU); give less with --cpus-per-trial or --gpus-per-trial."
        )
    for machine in alive:
        if machine not in fitting:
            warn(f"{machine.address} is too small for a trial, which takes {needs}.")
    return fitting
