"""What the pages name is there, what they count is so, and files beside the code can be read."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from edge_runtime import __version__
from tests.wheel import ROOT

# The changelog tells of what is there no more, too.
PAGES = (
    *(page for page in sorted(ROOT.glob("*.md")) if page.name != "CHANGELOG.md"),
    *sorted((ROOT / "docs").rglob("*.md")),
)
_CODE = re.compile(r"`([^`\s]+)`")
_SOURCES = ("edge_runtime", "train", "export", "benchmarks", "docs_site")
_OURS = tuple(f"{folder}/" for folder in (*_SOURCES, "tests", "docs", "docker", ".github", ".ci"))


def named(prefixes: tuple[str, ...]) -> list[tuple[str, str]]:
    """(page, path) for each path that a page has as code, with what follows two colons."""
    return [
        (page.name, code)
        for page in PAGES
        for code in dict.fromkeys(_CODE.findall(page.read_text(encoding="utf-8")))
        if code.startswith(prefixes) and "*" not in code
    ]


@pytest.mark.parametrize(("page", "path"), named(_OURS))
def test_a_path_that_a_page_names_is_there(page: str, path: str) -> None:
    assert (ROOT / path.partition("::")[0]).exists(), f"{page} names {path}"


def test_a_file_that_is_named_without_its_folder_is_somewhere() -> None:
    files = {path.name for folder in _OURS for path in (ROOT / folder).rglob("*.py")}
    pages = (
        page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "decisions").glob("*.md")
    )
    alone = {code for text in pages for code in re.findall(r"`(\w+\.py)`", text)}
    assert alone and alone <= files


@pytest.mark.parametrize(("page", "test"), [one for one in named(("tests/",)) if "::" in one[1]])
def test_a_test_that_a_recipe_names_is_there(page: str, test: str) -> None:
    file, *names = test.split("::")
    body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    for name in names:
        found = [one for one in body if getattr(one, "name", None) == name]
        assert len(found) == 1, f"{page} names {test}"
        body = found[0].body  # type: ignore[attr-defined]


def test_the_sizes_that_the_comparison_tells_are_those_of_the_sources() -> None:
    page = (ROOT / "docs" / "contributing" / "comparison.md").read_text(encoding="utf-8")
    counted = subprocess.run(
        [sys.executable, ROOT / ".ci" / "house.py", *(ROOT / folder for folder in _SOURCES)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    told, found = (_row(page, "saliedge"), _row(counted, "all"))
    exact = {"over 400", "over 60 lines"}
    for name, value in found.items():
        assert told[name] == pytest.approx(value, rel=0 if name in exact else 0.1), name


def _row(text: str, name: str) -> dict[str, float]:
    """The figures of one row of a Markdown table, by column."""
    rows = [[cell.strip() for cell in line.strip(" |").split("|")] for line in text.splitlines()]
    head = next(row for row in rows if row[0] == "sources")
    cells = next(row for row in rows if row[0] == name)
    return {
        column: float(cell.strip("%")) for column, cell in zip(head[1:], cells[1:], strict=True)
    }


def test_a_recipe_names_its_proof() -> None:
    recipes = (ROOT / "docs" / "contributing" / "recipes.md").read_text(encoding="utf-8")
    sections = recipes.split("\n## ")[1:]
    assert [section.splitlines()[0] for section in sections] == [
        "Add a backbone",
        "Add a camera",
        "Add a lowering rule",
    ]
    assert all(section.count("| `tests/") >= 4 for section in sections)


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert {"cff-version", "message", "title", "authors"} <= set(citation)


def test_the_hooks_run_what_lint_runs() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = {hook["id"]: hook["entry"] for repo in config["repos"] for hook in repo["hooks"]}
    (packages,) = re.findall(r"-m mypy (.+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert hooks["mypy"] == f".venv/bin/mypy {packages}"


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")))
def test_an_issue_form_is_one(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.name == "config.yml":
        assert set(form) == {"blank_issues_enabled"}
        return
    assert {"name", "description", "body"} <= set(form)
    fields = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert len(fields) == len(set(fields)) > 0
