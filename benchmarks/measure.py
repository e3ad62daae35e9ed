"""The usual run of ``bench``: every configuration in every round, with progress."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from benchmarks.absent import Absent
from benchmarks.conditions import conditions
from benchmarks.configurations import Configuration, Matrix
from benchmarks.installed_size import installed_bytes
from benchmarks.report import BundleIdentity, Report
from benchmarks.reporting.progress import StatusLine
from benchmarks.rounds import measure_rounds
from benchmarks.workload import Workload
from edge_runtime.bundle import Bundle, Reference

__all__ = ["measure_matrix"]


def measure_matrix(
    bundle: Bundle, reference: Reference | Absent, plan: Matrix, workload: Workload
) -> Report:
    """Measure a matrix and return its report; a terminal sees which process runs.

    Raises:
        SaliedgeError: A process failed.
    """
    found = conditions()
    started, start = datetime.now(UTC), time.monotonic()
    total, count = len(plan.configurations) * workload.rounds, 0
    with StatusLine() as line:

        def show(number: int, configuration: Configuration) -> None:
            nonlocal count
            count += 1
            line.show(
                f"[{count}/{total}] round {number + 1} of {workload.rounds}: {configuration.name}"
            )

        results = measure_rounds(bundle, reference, plan.configurations, workload, show)
    return Report(
        bundle=BundleIdentity.of(bundle),
        workload=workload,
        conditions=found,
        started_utc=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - start, 3),
        results=results,
        left_out=plan.left_out,
        installed_bytes=installed_bytes(
            bundle, tuple(dict.fromkeys(item.engine for item in plan.configurations))
        ),
    )
