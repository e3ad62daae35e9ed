"""Reports of one bundle on many boards, each under the board's name.

Schema 1.0 of the merged file; a reader accepts an unknown minor and refuses an unknown major. It
holds the reports whole, so that nothing is lost and it can be merged again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import Report
from benchmarks.report_file import json_lines, read_report_file, report_fields
from edge_runtime.errors import UsageError

__all__ = ["KIND", "SCHEMA", "Boards", "board_name", "read_boards"]

KIND = "saliedge-bench-merged"
SCHEMA = "1.0"
BOARD_REPORT_KIND = "saliedge-board-report"
_REMEDY = "give files that `bench --json`, `bench merge --json` or `bench board-report` wrote"


@dataclass(frozen=True)
class Boards:
    """Reports of one bundle.

    Attributes:
        reports: Name of the board -> what was measured on it, in the order given.
    """

    reports: dict[str, Report]

    @property
    def bundle(self) -> str:
        """Name of the bundle's folder; of several, all of them."""
        return ", ".join(item.file for item in next(iter(self.reports.values())).bundles)

    def to_bytes(self) -> bytes:
        """Return the JSON file."""
        boards = {name: report.to_json() for name, report in self.reports.items()}
        return json_lines({"kind": KIND, "schema": SCHEMA, "boards": boards})


def read_boards(paths: Sequence[Path]) -> Boards:
    """Read reports, merged or not, and name each after its board.

    Raises:
        ArtifactError: A file is none of these.
        UsageError: They are of different bundles.
    """
    found = [(path, report) for path in paths for report in _reports(path)]
    first_path, first = found[0]
    reports: dict[str, Report] = {}
    for path, report in found:
        if [item.sha256 for item in report.bundles] != [item.sha256 for item in first.bundles]:
            raise UsageError(
                f"{first_path} and {path} measured different bundles ({first.bundle.file}, "
                f"{report.bundle.file}); merge reports of one."
            )
        if report not in reports.values():  # the same measurement twice is one
            reports[_free_name(board_name(report), reports)] = report
    return Boards(reports)


def board_name(report: Report) -> str:
    """Name a machine: its board, or its processor where it has no name."""
    machine = report.conditions["machine"]
    for entry in ("board", "cpu_model"):
        if isinstance(machine[entry], str):
            return str(machine[entry])
    return str(machine["architecture"])


def _free_name(name: str, taken: dict[str, Report]) -> str:
    """Two boards of a kind are two boards."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def _reports(path: Path) -> list[Report]:
    return read_report_file(path, _of_any_kind, _REMEDY)


def _of_any_kind(record: Any) -> list[Report]:
    kind = record.get("kind") if isinstance(record, dict) else None
    if kind == KIND:
        with report_fields(record, KIND, SCHEMA, "bench merge"):
            return [Report.from_json(item) for item in record["boards"].values()]
    if kind == BOARD_REPORT_KIND:
        with report_fields(record, BOARD_REPORT_KIND, SCHEMA, "bench board-report"):
            if "absent" in record["bench"]:
                raise ValueError(f"its benchmark failed: {record['bench']['absent']}")
            return [Report.from_json(record["bench"])]
    return [Report.from_json(record)]
