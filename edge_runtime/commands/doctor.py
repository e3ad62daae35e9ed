"""The command ``saliedge doctor``: is this device fit to run, and what to do if not?"""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import click

from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import GateError

if TYPE_CHECKING:
    from edge_runtime.doctor import Finding

__all__ = ["doctor"]

_EPILOG = """\b
Examples:
  saliedge doctor
  saliedge doctor --json
  sudo -u saliedge saliedge doctor --state-dir /var/lib/saliedge

\b
Exit code 0 if nothing keeps saliedge from working here (notes and warnings may
stand), 8 if there is a problem.
"""
_MARKS = {"ok": "ok     ", "note": "note   ", "warning": "WARNING", "problem": "PROBLEM"}
_WIDTH = 96


@click.command("doctor", epilog=_EPILOG, context_settings=SETTINGS)
@click.option("--state-dir", metavar="DIR", help="Where the models are; see `saliedge models -h`.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array of all findings.")
def doctor(state_dir: str | None, as_json: bool) -> None:
    """Look at this device: board, camera, engines, memory, heat, power, clock, disk and models.

    Each finding comes with its remedy. Packages are imported in processes of their own, so that
    one that crashes is a finding. Nothing is changed.
    """
    from edge_runtime.doctor import System, examine
    from edge_runtime.models import state_directory

    findings = []
    for finding in examine(System(state=state_directory(state_dir))):
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        click.echo(json.dumps([finding.to_json() for finding in findings], indent=1))
    problems = [finding.name for finding in findings if finding.status == "problem"]
    if problems:
        raise GateError(
            f"saliedge cannot work here because of: {', '.join(problems)}; see the remedies."
        )


def _show(finding: Finding) -> None:
    head = f"{_MARKS[finding.status]}  {finding.name}: "
    indent = " " * len(_MARKS["ok"]) + "  "
    click.echo(textwrap.fill(head + finding.text, _WIDTH, subsequent_indent=indent))
    if finding.remedy:
        click.echo(textwrap.fill(f"{indent}-> {finding.remedy}", _WIDTH, subsequent_indent=indent))
