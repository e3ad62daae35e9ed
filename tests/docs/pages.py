"""The blocks of commands on the pages, each with the mark that says what a test does with it.

A mark is a comment of its own in the line above a block:

    <!-- run -->              the block runs, after those above it on the page
    <!-- run: slow -->        the same, but only with SALIEDGE_SLOW (`make test-all`)
    <!-- needs: a camera -->  nothing runs; the commands are parsed, as all are

Near the top of a page ``<!-- given: kvasir, first.edge -->`` says which of
:data:`tests.docs.stage.THINGS` lie in its folder before its first block runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.wheel import ROOT

__all__ = ["NEEDS", "PAGES", "Block", "Page", "read_page"]

NEEDS = frozenset(
    {
        "a board",
        "a camera",
        "a checkout",
        "a cluster",
        "a GPU",
        "a service",
        "hours",
        "minutes",
        "the network",
    }
)
"""What may keep a block from running in a test."""

PAGES = tuple(
    str(path.relative_to(ROOT))
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    )
)
"""Every page that people read, by its path in the checkout."""

_COMMANDS = ("sh", "console")
_MARK = re.compile(r"<!-- (run|run: slow|needs: [a-zA-Z ]+) -->")
_GIVEN = re.compile(r"<!-- given: ([^>]+) -->")
_FENCE = re.compile(r"\s*```\s*([\w-]*)")
# An indented block of code that begins with a program of this project or the like.
_INDENTED = re.compile(r"    (?:saliedge|edge-infer|bench|python|pip|make|sudo|ray) ")
# What was measured, and how: hours each.
_MEASURED = "docs/results/"


@dataclass(frozen=True)
class Block:
    """Commands that stand together.

    Attributes:
        line: Number of the line above its first, as an editor shows it.
        mark: ``run``, ``run: slow``, ``needs: SOMETHING``, or None.
        language: Of the fence; ``indented`` without one.
        commands: What a shell would read, one command line each; what a console answers is not in
            it.
    """

    line: int
    mark: str | None
    language: str
    commands: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """A page's commands.

    Attributes:
        given: What lies in the folder that its blocks run in.
        blocks: In order; those of other languages are left out.
        bare: Lines of fences that do not say their language.
        inline: Commands within the text that have an option.
    """

    given: tuple[str, ...]
    blocks: tuple[Block, ...]
    bare: tuple[int, ...]
    inline: tuple[str, ...]


def read_page(name: str) -> Page:
    """Read a page of :data:`PAGES`."""
    text = (ROOT / name).read_text(encoding="utf-8")
    given = _GIVEN.search(text)
    blocks: list[Block] = []
    bare: list[int] = []
    prose: list[str] = []
    lines = iter(enumerate(text.splitlines(), 1))
    mark = "needs: hours" if name.startswith(_MEASURED) else None
    above = mark
    for number, line in lines:
        found = _MARK.fullmatch(line.strip())
        fence = _FENCE.match(line)
        if found:
            above = found[1]
            continue
        if fence:
            inside = []
            for _, body in lines:
                if body.strip().startswith("```"):
                    break
                inside.append(body)
            if not fence[1]:
                bare.append(number)
            if fence[1] in _COMMANDS:
                blocks.append(Block(number, above, fence[1], _logical(inside, fence[1])))
        elif _INDENTED.match(line):
            inside = [line]
            for _, body in lines:
                if not body.startswith("    "):
                    break
                inside.append(body)
            blocks.append(Block(number, above, "indented", _logical(inside, "indented")))
        else:
            prose.append(line)
        if line.strip():
            above = mark
    things = tuple(name.strip() for name in given[1].split(",")) if given else ()
    return Page(things, tuple(blocks), tuple(bare), _inline("\n".join(prose)))


def _logical(lines: list[str], language: str) -> tuple[str, ...]:
    """Join what a backslash continues; leave out comments, and what a console answers."""
    if language == "console":
        lines = [line.strip()[2:] for line in lines if line.strip().startswith("$ ")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    stripped = (line.strip() for line in joined.splitlines())
    return tuple(line for line in stripped if line and not line.startswith("#"))


def _inline(text: str) -> tuple[str, ...]:
    code = re.findall(r"`([^`]+)`", text)
    ours = (
        " ".join(one.split()) for one in code if re.match(r"(saliedge|edge-infer|bench)\s", one)
    )
    return tuple(one for one in ours if " --" in one)
