"""A board's report as one HTML page that loads nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from benchmarks.profile.report import Profile, ProfileReport
from benchmarks.profile.table import TYPES, heading, slowest_line, type_rows
from benchmarks.report import Report
from benchmarks.reporting.page import report_section
from benchmarks.sustained.page import sustained_section
from benchmarks.sustained.report import SustainedReport
from edge_runtime.reporting.page import html_list, html_page, html_table

__all__ = ["board_html"]

_TOP = 8
_FINDINGS = ("", "what", "found", "to do")


def board_html(record: Mapping[str, Any]) -> str:
    """Return the page of a collected report."""
    sections: list[tuple[str, Any, Callable[[Any], str]]] = [
        ("Doctor", record["doctor"], _doctor),
        ("Benchmark", record["bench"], lambda part: report_section(Report.from_json(part))),
        ("Operators", record["profile"], lambda part: _profiles(ProfileReport.from_json(part))),
        ("At full speed", record["sustained"], _long_run),
        ("At a camera's pace, with a map", record["camera_pace"], _long_run),
    ]
    body = []
    for title, part, draw in sections:
        missing = isinstance(part, dict) and set(part) == {"absent"}
        inner = f"<p>Absent: {escape(part['absent'])}</p>" if missing else draw(part)
        body.append(f"<h2>{title}</h2>\n{inner}")
    return html_page("Report of a board", "\n".join(body))


def _doctor(findings: list[dict[str, str]]) -> str:
    rows = [
        (finding["status"], finding["name"], finding["text"], finding["remedy"])
        for finding in findings
    ]
    return html_table(_FINDINGS, rows, words=len(_FINDINGS))


def _profiles(report: ProfileReport) -> str:
    return "\n".join(_profile(profile) for profile in report.profiles)


def _profile(profile: Profile) -> str:
    return (
        f"<p><b>{escape(heading(profile))}</b></p>"
        f"{html_table(TYPES, type_rows(profile, _TOP), words=1)}"
        f"{html_list([slowest_line(profile), *profile.advice])}"
    )


def _long_run(part: dict[str, Any]) -> str:
    return sustained_section(SustainedReport.from_json(part))
