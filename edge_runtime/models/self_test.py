"""The golden self-test of a bundle in a process of its own.

A graph can crash the engine that loads it, or hang in it. In a child process that is a finding
about the bundle; in the process beside the camera it would be the end of the pictures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from edge_runtime.bundle.reader import open_bundle
from edge_runtime.errors import SaliedgeError
from edge_runtime.messages import signal_name
from edge_runtime.quick_dataclass import dataclass

__all__ = ["SelfTestResult", "child", "run_self_test"]

_CHILD = "import sys; from edge_runtime.models import self_test; sys.exit(self_test.child())"
_POLL_SECONDS = 0.1
_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True)
class SelfTestResult:
    """How an engine did on the golden inputs of a bundle.

    Attributes:
        engine: Name of the engine.
        problem: Why it failed; empty if it passed.
    """

    engine: str
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether every graph gave what the export worked out."""
        return not self.problem


def run_self_test(
    bundle_path: str | os.PathLike[str],
    engine: str,
    modes: Sequence[str],
    timeout: float = _TIMEOUT_SECONDS,
    cancelled: threading.Event | None = None,
) -> SelfTestResult:
    """Run the golden inputs through an engine in a child process.

    Args:
        bundle_path: The bundle.
        engine: Name of the engine.
        modes: Saliency modes whose graphs to test.
        timeout: Seconds after which the child is ended, and the test failed.
        cancelled: Ends the test at once when set, as a failure.

    Returns:
        Never raises for a bundle that is damaged, wrong or crashes the engine: that is the result.
    """
    # -P and the path: the child imports this very package, and nothing of the working directory.
    paths = [str(Path(__file__).parents[2]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    with subprocess.Popen(
        [sys.executable, "-P", "-c", _CHILD, str(bundle_path), engine, *modes],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        deadline = time.monotonic() + timeout
        while True:
            try:
                out, err = process.communicate(timeout=_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                stopped = cancelled is not None and cancelled.is_set()
                if stopped or time.monotonic() > deadline:
                    process.kill()
                    process.communicate()
                    reason = "was cancelled" if stopped else f"did not end within {timeout:.0f} s"
                    return SelfTestResult(engine, f"the self-test in {engine} {reason}")
            else:
                return SelfTestResult(engine, _problem(engine, process.returncode, out, err))


def _problem(engine: str, code: int, out: str, err: str) -> str:
    """Return what went wrong in a child that ended, or an empty text."""
    if code < 0:
        return f"the engine {engine} crashed on it ({signal_name(-code)})"
    if code != 0:
        last = (err.strip().splitlines() or ["no message"])[-1]
        return f"the self-test in {engine} failed: {last}"
    try:
        failed = json.loads(out.strip().splitlines()[-1])["failed"]
    except (ValueError, IndexError, KeyError, TypeError):
        return f"the self-test in {engine} ended without a result"
    return f"it does not compute the expected outputs: {'; '.join(failed)}" if failed else ""


def child() -> int:
    """Test in this process, print the result as one JSON line and return the exit code."""
    from edge_runtime.golden import check_golden

    bundle_path, engine, *modes = sys.argv[1:]
    try:
        bundle = open_bundle(bundle_path)
        results = [check_golden(bundle, engine, mode) for mode in modes]
    except SaliedgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    failed = [
        f"{result.graph} in {result.engine} ({result.worst_steps:.1f} steps)"
        for result in results
        if not result.passed
    ]
    print(json.dumps({"failed": failed}))
    return 0
