"""Profiles as plain text, and as rows for a page."""

from __future__ import annotations

from benchmarks.profile.operators import by_type, slowest
from benchmarks.profile.report import Profile, ProfileReport
from benchmarks.reporting.table import machine_lines, numbers_right, plural

__all__ = ["TYPES", "heading", "profile_text", "slowest_line", "type_rows"]

TYPES = ("operator", "count", "ms", "share")


def profile_text(report: ProfileReport, top: int) -> str:
    """Return the tables of all configurations, the advice below each."""
    engines = {
        profile.configuration.engine: profile.operators.engine_version
        for profile in report.profiles
    }
    shown = ", ".join(f"{name} {version}" for name, version in engines.items())
    head = [
        *machine_lines(report.bundle, report.conditions, shown),
        plural(report.threads, "thread"),
    ]
    return "\n\n".join(["\n".join(head), *(_section(item, top) for item in report.profiles)])


def type_rows(profile: Profile, top: int) -> list[tuple[str, ...]]:
    """The types that take the most time, under :data:`TYPES`."""
    return [
        (item.type, str(item.count), f"{item.ms:.3f}", f"{item.share:.1%}")
        for item in by_type(profile.operators)[:top]
    ]


def heading(profile: Profile) -> str:
    """Name a configuration with its latency and how much of it the operators explain."""
    return (
        f"{profile.configuration.name}: median {profile.p50_ms:.3f} ms, operators "
        f"{profile.operators.ms:.3f} ms ({profile.operators.method})"
    )


def slowest_line(profile: Profile) -> str:
    """Name the single operators that take the most time."""
    found = slowest(profile.operators, 3)
    return "Slowest: " + ", ".join(f"{item.name} {item.ms:.3f} ms" for item in found)


def _section(profile: Profile, top: int) -> str:
    lines = [heading(profile), numbers_right(TYPES, type_rows(profile, top)), slowest_line(profile)]
    return "\n".join([*lines, *profile.advice])
