"""Print the dependencies that pyproject.toml names, one per line, for `pip install -r`.

Usage: dependencies.py [--alone] EXTRA ...

pip can only install dependencies together with the project. The environment that many checkouts
share must not contain the project, so its requirements are read out here; an extra of the project
that names other extras of the project is followed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PROJECT_FILE = Path(__file__).resolve().parent.parent / "pyproject.toml"


def dependencies(project: dict, extras: list[str], alone: bool = False) -> list[str]:
    """List the requirements of the project (unless `alone`) and its extras, each once, in order."""
    own = re.compile(rf"{re.escape(project['name'])}\[([^\]]+)\]\s*")
    found: list[str] = []
    pending = [] if alone else [*project["dependencies"]]
    for extra in extras:
        pending += project["optional-dependencies"][extra]
    while pending:
        requirement = pending.pop(0)
        if match := own.fullmatch(requirement):
            names = [name.strip() for name in match.group(1).split(",")]
            pending[:0] = [r for name in names for r in project["optional-dependencies"][name]]
        elif requirement not in found:
            found.append(requirement)
    return found


if __name__ == "__main__":
    extras = [argument for argument in sys.argv[1:] if argument != "--alone"]
    with PROJECT_FILE.open("rb") as stream:
        project = tomllib.load(stream)["project"]
    print("\n".join(dependencies(project, extras, alone="--alone" in sys.argv)))
