"""What must be alike before two reports can be compared, and what else differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.configurations import Configuration
from benchmarks.report import BundleIdentity, Report, Result
from edge_runtime.errors import UsageError

__all__ = ["MUST_AGREE", "check_comparable", "differences", "pairs_of"]

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
    "workload": ("frame_width", "frame_height"),
}
"""Entries of a report without which a ratio says nothing about the software.

Threads and input size are those of a configuration: one is compared with its like.
"""

_MAY_DIFFER = {
    "bundle": ("name", "sha256"),
    "software": ("saliedge", "python", "kernel", "distribution", "libc", "numpy", "opencv"),
}
_SHOWN = 40


def check_comparable(base: Report, base_path: Path, new: Report, new_path: Path) -> None:
    """Refuse reports of other machines or other work.

    Raises:
        UsageError: An entry of :data:`MUST_AGREE` differs, or they share no number of threads or no
            input size; it names the first.
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
    for what, of_base, of_new in (
        ("number of threads", _threads(base), _threads(new)),
        ("input size", _sizes(base), _sizes(new)),
    ):
        if set(of_base).isdisjoint(of_new):
            raise UsageError(
                f"{base_path} and {new_path} cannot be compared: they share no {what} "
                f"({_shown(of_base)}, {_shown(of_new)}); measure both alike on one machine."
            )


def pairs_of(base: Report, new: Report) -> list[tuple[Result, Result]]:
    """Return every configuration that two reports share, as measured in each.

    The same engine, precision, map and threads, and a bundle of the same input size: of several of
    that size, the one with the same file name.
    """
    partners = {item.file: _partner(item, base, new) for item in new.bundles}
    of_base: dict[tuple[Configuration, str | None], Result] = {
        _key(base, item.configuration): item for item in base.results
    }
    pairs = []
    for result in new.results:
        engine, file = _key(new, result.configuration)
        before = of_base.get((engine, partners[file]))
        if before is not None:
            pairs.append((before, result))
    return pairs


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
        "bundle": {
            entry: _one_or_all([getattr(item, entry) for item in report.bundles])
            for entry in _MAY_DIFFER["bundle"]
        },
    }


def _one_or_all(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _threads(report: Report) -> list[int]:
    return list(report.thread_counts)


def _sizes(report: Report) -> list[str]:
    return [_size(item) for item in report.bundles]


def _size(bundle: BundleIdentity) -> str:
    return f"{bundle.width}x{bundle.height}"


def _key(report: Report, configuration: Configuration) -> tuple[Configuration, str]:
    """A configuration with its threads and without its bundle, and that bundle's file."""
    file = report.bundle_of(configuration).file
    return replace(configuration, threads=report.threads_of(configuration), bundle=None), file


def _partner(bundle: BundleIdentity, base: Report, new: Report) -> str | None:
    """File of the base's bundle that is compared with one of the new report; None without."""
    ours, theirs = (
        [item.file for item in report.bundles if _size(item) == _size(bundle)]
        for report in (base, new)
    )
    if len(ours) == len(theirs) == 1:
        return ours[0]
    return bundle.file if bundle.file in ours else None


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "absent" in value:
        return "unknown"
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
