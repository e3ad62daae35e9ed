"""What the README says about commands, extras and exit codes is what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from edge_runtime.errors import EXIT_CODES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    section = README.partition(f"## {heading}")[2].partition("\n## ")[0]
    table = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in table[2:]]


def test_exit_codes_are_those_of_the_code() -> None:
    assert {int(code): meaning for code, meaning in rows("Exit codes")} == EXIT_CODES


def test_extras_are_those_of_the_distribution() -> None:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        project = tomllib.load(stream)["project"]
    named = [row[0].strip("`") for row in rows("On a Raspberry Pi")]
    assert set(named) == set(project["optional-dependencies"])


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"^(?:saliedge (\w+)|(bench|edge-infer)) ", README, re.M)))
)
def test_commands_are_those_of_the_table(command: tuple[str, str]) -> None:
    from edge_runtime.cli import COMMANDS

    name = command[0] or {"bench": "bench", "edge-infer": "infer"}[command[1]]
    assert name in COMMANDS


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
