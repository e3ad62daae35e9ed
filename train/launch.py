"""Starting the processes of one machine that train together.

As ``torchrun`` does, which is the way for several machines; but what they end with is told apart:
the code is that of the process that failed, not always 1.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

import click

from edge_runtime.errors import TERMINATED, UsageError

__all__ = ["RememberingCommand", "end_with_parent", "launch", "launch_again"]

_POLL_SECONDS = 0.1
# For the other processes to end by themselves after one has; then they are killed.
_GRACE_SECONDS = 20.0
_PR_SET_PDEATHSIG = 1
_GIVEN = f"{__name__}.given"


class RememberingCommand(click.Command):
    """Keeps its arguments as they were given, for the processes that are to run it too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember, then parse as click does."""
        ctx.meta[_GIVEN] = tuple(args)
        return super().parse_args(ctx, args)


def launch_again(context: click.Context, count: int) -> int:
    """Run a :class:`RememberingCommand` of ``train`` in several processes; give their exit code.

    Raises:
        UsageError: this process is one of several already.
    """
    if "WORLD_SIZE" in os.environ:
        raise UsageError("torchrun starts the processes already; leave out --processes.")
    # Of an option that is given twice the last one counts.
    return launch(["-m", "train", *context.meta[_GIVEN], "--processes", "1"], count)


def launch(arguments: Sequence[str], count: int) -> int:
    """Run ``python ARGUMENTS`` in ``count`` processes and give their exit code.

    The processes talk over the loopback interface only, and none outlives this one. If one ends
    with an error, if Ctrl-C or SIGTERM arrives, all are told to end.

    Returns:
        0, or the code of the process that failed by itself.
    """
    children = [
        subprocess.Popen(
            [sys.executable, *arguments],
            env=environment,
            # Ctrl-C in a terminal reaches this process alone, which hands it on once.
            process_group=0,
            preexec_fn=end_with_parent,
        )
        for environment in _environments(count)
    ]
    told = signal.SIGTERM
    try:
        codes = [child.poll() for child in children]
        while None in codes and not any(codes):
            time.sleep(_POLL_SECONDS)
            codes = [child.poll() for child in children]
    except KeyboardInterrupt:
        told = signal.SIGINT
        raise
    finally:
        _end(children, told)
    failed = [_exit_code(child.returncode) for child in children if child.returncode]
    return next((code for code in failed if code != TERMINATED), max(failed, default=0))


def _environments(count: int) -> list[dict[str, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cores = len(os.sched_getaffinity(0))
    shared = {
        "OMP_NUM_THREADS": str(max(1, cores // count)),
        "GLOO_SOCKET_IFNAME": "lo",
        **os.environ,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(count),
    }
    return [shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]


# Loaded before the fork, behind which nothing may allocate.
_LIBC = ctypes.CDLL(None)


def end_with_parent() -> None:
    """Before a program is run in a child: have it told to end (SIGTERM) when its parent dies."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(children: Sequence[subprocess.Popen[bytes]], told: signal.Signals) -> None:
    for child in children:
        if child.poll() is None:
            child.send_signal(told)
    deadline = time.monotonic() + _GRACE_SECONDS
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _exit_code(returned: int) -> int:
    """As a shell tells it: 128 and the signal's number for a process that a signal ended."""
    return returned if returned >= 0 else 128 - returned
