"""Change the code a little, in hundreds of ways, and see which changes no test notices.

Usage: .venv/bin/mutants [AREA ...], or make mutants AREA=statistics

MUTANTS_CHILDREN is how many run at once, else as many as there are processors.

What is changed, and the tests that should notice, stand in mutants.toml, an area each; so do the
changes that make no difference, with the reason. Each area is mutated by mutmut in a copy of the
tracked files under build/mutants/AREA, where mutmut.log and what survived can be read afterwards.
Prints the table of docs/contributing/tests.md. Ends with 1 if a tenth of an area's mutants survive,
or if mutants.toml excuses a change that cannot be made any more.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutmut.configuration import reset_config
from mutmut.mutation.diff_apply import get_diff_for_mutant

ROOT = Path(__file__).resolve().parent.parent
AREAS = ROOT / ".ci" / "mutants.toml"
_SOURCES = ("edge_runtime", "train", "export", "benchmarks")
_COPIED = (*_SOURCES, "tests", "README.md", "pyproject.toml")
_LIMIT = 0.10
_NOTICED = ("killed", "timeout", "segfault")
_SURVIVED = ("survived", "no tests")
_WORDS = re.compile(r"""(["'])(?:XX)?([A-Za-z0-9.,;:()` -]* [A-Za-z0-9.,;:()` -]*?)(?:XX)?\1""")


@dataclass(frozen=True)
class Change:
    """A change of one statement.

    Attributes:
        function: qualified by its module.
        was: the lines that it replaces, without indentation.
        becomes: the lines in their place.
    """

    function: str
    was: str
    becomes: str

    @classmethod
    def of_mutant(cls, name: str) -> Change:
        """The change that mutmut made under this name; the working folder is that of the area."""
        lines = get_diff_for_mutant(name).splitlines()[2:]
        was, becomes = (
            "\n".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
        )
        module, _, mangled = name.rpartition("__mutmut_")[0].rpartition(".")
        return cls(f"{module}.{re.sub('^x_|^xǁ', '', mangled).replace('ǁ', '.')}", was, becomes)

    @property
    def only_words(self) -> bool:
        """Whether only the wording of a sentence changed: its case, or XX around it."""
        was, becomes = (
            _WORDS.sub(lambda found: found[2].lower(), text) for text in (self.was, self.becomes)
        )
        return was == becomes


@dataclass(frozen=True)
class Tally:
    """What became of the mutants of an area.

    Attributes:
        killed: that a test noticed, or that did not come to an end.
        survived: that no test noticed, apart from:
        equivalent: those that mutants.toml excuses, and
        wording: those of a sentence, of which tests hold the phrase that matters.
    """

    killed: int
    survived: tuple[Change, ...]
    equivalent: tuple[Change, ...]
    wording: tuple[Change, ...]

    @property
    def share(self) -> float:
        """Of the mutants that could be noticed, those that were not."""
        return len(self.survived) / max(1, self.killed + len(self.survived))


def main(names: list[str]) -> int:
    """Mutate the areas that were asked for, or all; returns the exit code."""
    areas = tomllib.loads(AREAS.read_text(encoding="utf-8"))
    unknown = set(names) - areas.keys()
    if unknown:
        sys.exit(f"mutants.toml has no area {', '.join(unknown)}; it has {', '.join(areas)}.")
    passed = True
    rows = []
    for name in names or areas:
        area, folder = areas[name], ROOT / "build" / "mutants" / name
        copy_checkout(folder, area)
        with contextlib.chdir(folder):
            run_mutmut(folder)
            tally = tallied(area)
        rows.append(row(area, tally))
        passed &= tally.share < _LIMIT and told(name, area, tally)
    print("| area | files | mutants | noticed | survived | share | no difference | wording |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    print("\n".join(rows))
    return 0 if passed else 1


def copy_checkout(folder: Path, area: dict[str, Any]) -> None:
    """Copy what git tracks or would, with mutmut's settings for the area."""
    shutil.rmtree(folder, ignore_errors=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *_COPIED]
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, files.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, folder / name)
    settings = {
        "source_paths": list(_SOURCES),
        "only_mutate": area["files"],
        "also_copy": ["README.md"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": area["tests"],
    }
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as stream:
        stream.write("\n[tool.mutmut]\n")
        # A list of strings is written alike in TOML and in JSON.
        stream.writelines(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())


def run_mutmut(folder: Path) -> None:
    """Make and try every mutant; hypothesis draws the same examples for each."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CI": "true"}
    children = os.environ.get("MUTANTS_CHILDREN", str(os.cpu_count()))
    with (folder / "mutmut.log").open("wb") as log:
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", children]
        ended = subprocess.run(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    if ended.returncode:
        sys.exit(f"mutmut failed; its words are in {folder / 'mutmut.log'}.")


def results() -> Iterator[tuple[str, str]]:
    """(mutant, status) for each mutant of the area in the working folder."""
    command = [sys.executable, "-m", "mutmut", "results", "--all", "true"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in told.splitlines():
        mutant, found, status = line.strip().rpartition(": ")
        if found:
            yield mutant, status


def tallied(area: dict[str, Any]) -> Tally:
    """Sort the mutants of the area in the working folder."""
    reset_config()
    statuses = dict(results())
    strange = set(statuses.values()) - {*_NOTICED, *_SURVIVED}
    if strange or not statuses:
        sys.exit(f"mutmut left {len(statuses)} mutants with {strange or 'no status'}.")
    excused = set(excuses(area))
    survived = [Change.of_mutant(name) for name in statuses if statuses[name] in _SURVIVED]
    equivalent = [change for change in survived if change in excused]
    wording = [change for change in survived if change.only_words and change not in excused]
    rest = [change for change in survived if change not in excused and not change.only_words]
    killed = sum(status in _NOTICED for status in statuses.values())
    return Tally(killed, tuple(rest), tuple(equivalent), tuple(wording))


def excuses(area: dict[str, Any]) -> Iterator[Change]:
    """The changes that make no difference."""
    for entry in area.get("equivalent", ()):
        for becomes in entry["becomes"]:
            yield Change(entry["function"], entry["was"], becomes)


def told(name: str, area: dict[str, Any], tally: Tally) -> bool:
    """Print what survived; whether every excuse was for a mutant that did."""
    for change in tally.survived:
        print(f"{name}: survived in {change.function}\n  - {change.was}\n  + {change.becomes}")
    stale = set(excuses(area)) - set(tally.equivalent)
    for change in stale:
        print(f"{name}: needs no excuse in mutants.toml: {change}")
    return not stale


def row(area: dict[str, Any], tally: Tally) -> str:
    """The area's line of the table."""
    files = ", ".join(f"`{file}`" for file in area["files"])
    figures = (
        tally.killed + len(tally.survived),
        tally.killed,
        len(tally.survived),
        f"{tally.share:.1%}",
        len(tally.equivalent),
        len(tally.wording),
    )
    return f"| {area['title']} | {files} | {' | '.join(map(str, figures))} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
