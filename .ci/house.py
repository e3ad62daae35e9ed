"""Measure how Python sources are laid out: sizes of files and functions, docstrings, annotations.

Usage: house.py FOLDER ...

Prints a table with a row for each folder and one for all of them; tests (`test_*.py`, `*_test.py`,
`conftest.py`, folders named `tests`) are left out. Public is what has no leading underscore in its
own name, its class's or its module's path. The figures of docs/contributing/comparison.md are its.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEAD = (
    "sources", "files", "lines", "median", "longest", "over 400",
    "functions", "over 60 lines", "public with docstring", "fully annotated",
)  # fmt: skip
_LONG_FILE, _LONG_FUNCTION = 400, 60
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file.

    Attributes:
        lines: how many.
        functions: every function and method in it.
        public: its public classes, functions and methods.
    """

    lines: int
    functions: tuple[Function, ...]
    public: tuple[Function | ast.ClassDef, ...]


def main() -> None:
    """Print the table."""
    folders = [Path(name) for name in sys.argv[1:]]
    if not folders:
        sys.exit("Usage: house.py FOLDER ...")
    found = {str(folder): [read(path, folder) for path in sources(folder)] for folder in folders}
    rows = [row(name, files) for name, files in found.items() if files]
    if len(rows) > 1:
        rows.append(row("all", [source for files in found.values() for source in files]))
    for cells in (_HEAD, ("---",) * len(_HEAD), *rows):
        print(f"| {' | '.join(cells)} |")


def sources(folder: Path) -> Iterator[Path]:
    """The files of a folder that are no tests."""
    for path in sorted(folder.rglob("*.py")):
        inside = path.relative_to(folder)
        name = path.stem
        is_test = name.startswith("test_") or name.endswith("_test") or name == "conftest"
        if not is_test and "tests" not in inside.parts:
            yield path


def read(path: Path, folder: Path) -> Source:
    """Look at one file."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    functions = tuple(node for node in ast.walk(tree) if isinstance(node, Function))
    parts = path.relative_to(folder).with_suffix("").parts
    hidden = any(part.startswith("_") and part != "__init__" for part in parts)
    return Source(len(text.splitlines()), functions, () if hidden else tuple(_public(tree)))


def _public(parent: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    for node in parent.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def row(name: str, files: list[Source]) -> tuple[str, ...]:
    """The figures of some files."""
    lines = [source.lines for source in files]
    functions = [function for source in files for function in source.functions]
    public = [node for source in files for node in source.public]
    long = sum(_length(function) > _LONG_FUNCTION for function in functions)
    documented = sum(ast.get_docstring(node) is not None for node in public)
    annotated = sum(_is_annotated(function) for function in functions)
    return (
        name,
        str(len(files)),
        str(sum(lines)),
        f"{statistics.median(lines):.0f}",
        str(max(lines)),
        str(sum(count > _LONG_FILE for count in lines)),
        str(len(functions)),
        str(long),
        _share(documented, len(public)),
        _share(annotated, len(functions)),
    )


def _length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _is_annotated(function: Function) -> bool:
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return function.returns is not None and all(
        argument.annotation is not None or argument.arg in ("self", "cls") for argument in named
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"


if __name__ == "__main__":
    main()
