"""What must be alike before two reports can be compared, and what else differs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import Report
from edge_runtime.errors import UsageError

__all__ = ["MUST_AGREE", "check_comparable", "differences"]

MUST_AGREE = {
    "machine": (
        "architecture",
        "board",
        "cpu_model",
        "cpu_flags",
        "processors_usable",
        "governor",
        "max_frequency_khz",
    ),
    "workload": ("threads", "frame_width", "frame_height"),
    "bundle": ("height", "width"),
}
"""Entries of a report without which a ratio says nothing about the software."""

_MAY_DIFFER = {
    "bundle": ("name", "sha256"),
    "software": ("saliedge", "python", "kernel", "distribution", "libc", "numpy", "opencv"),
}
_SHOWN = 40


def check_comparable(base: Report, base_path: Path, new: Report, new_path: Path) -> None:
    """Refuse reports of other machines or other work.

    Raises:
        UsageError: An entry of :data:`MUST_AGREE` differs; it names the first.
    """
    ours, theirs = _tables(base), _tables(new)
    for table, entries in MUST_AGREE.items():
        for entry in entries:
            before, after = ours[table].get(entry), theirs[table].get(entry)
            if before != after:
                raise UsageError(
                    f"{base_path} and {new_path} cannot be compared: their {table} differs in "
                    f"{entry} ({_shown(before)}, {_shown(after)}); measure both alike on one "
                    "machine."
                )


def differences(base: Report, new: Report) -> list[str]:
    """What differs and may explain a change, in sentences."""
    ours, theirs = _tables(base), _tables(new)
    found = [
        f"{table} {entry}: {_shown(ours[table].get(entry))}, {_shown(theirs[table].get(entry))}"
        for table, entries in _MAY_DIFFER.items()
        for entry in entries
        if ours[table].get(entry) != theirs[table].get(entry)
    ]
    for engine, version in base.engine_versions.items():
        other = new.engine_versions.get(engine, version)
        if other != version:
            found.append(f"{engine}: {version}, {other}")
    return found


def _tables(report: Report) -> dict[str, Mapping[str, Any]]:
    return {
        "machine": report.conditions["machine"],
        "software": report.conditions["software"],
        "workload": report.workload.to_json(),
        "bundle": vars(report.bundle),
    }


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "absent" in value:
        return "unknown"
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
