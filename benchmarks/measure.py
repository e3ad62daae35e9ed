"""The usual run of ``bench``: every configuration in every round, with progress."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.conditions import conditions
from benchmarks.configurations import Configuration, Matrix
from benchmarks.installed_size import installed_bytes
from benchmarks.report import BundleIdentity, Report
from benchmarks.reporting.progress import StatusLine
from benchmarks.rounds import measure_rounds
from benchmarks.subjects import Subject
from benchmarks.workload import Workload

__all__ = ["measure_matrix"]


def measure_matrix(subjects: Sequence[Subject], plan: Matrix, workload: Workload) -> Report:
    """Measure a matrix and return its report; a terminal sees which process runs.

    Args:
        subjects: The bundles, at least one.
        plan: What to measure of them.
        workload: How much.

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

        results = measure_rounds(subjects, plan.configurations, workload, show)
    return Report(
        bundle=BundleIdentity.of(subjects[0].bundle),
        further_bundles=tuple(BundleIdentity.of(subject.bundle) for subject in subjects[1:]),
        workload=workload,
        conditions=found,
        started_utc=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - start, 3),
        results=results,
        left_out=plan.left_out,
        installed_bytes=installed_bytes(
            [subject.bundle for subject in subjects],
            tuple(dict.fromkeys(item.engine for item in plan.configurations)),
        ),
    )
