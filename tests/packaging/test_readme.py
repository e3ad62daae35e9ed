"""What the README and its page of extras say is what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_extras_are_those_of_the_distribution() -> None:
    page = (ROOT / "docs" / "reference" / "extras.md").read_text(encoding="utf-8")
    with (ROOT / "pyproject.toml").open("rb") as stream:
        project = tomllib.load(stream)["project"]
    named = re.findall(r"^\| `([\w-]+)` \|", page, re.M)
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
