"""Print the share of branches that the tests take, and end with 1 where it is too small.

Usage: branches.py COVERAGE_JSON [--least PER_CENT]

`coverage report --fail-under` counts lines and branches together, and lines hide branches.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

KEYS = ("covered_branches", "num_branches")


def main() -> int:
    """Read what `coverage json` wrote; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("coverage", type=Path, help="file of `coverage json`")
    parser.add_argument("--least", type=float, default=0.0, help="per cent [0]")
    options = parser.parse_args()
    files = json.loads(options.coverage.read_text(encoding="utf-8"))["files"]
    weakest = sorted((share(found["summary"]), name) for name, found in files.items())
    for part, name in weakest[:5]:
        print(f"{part:6.1f} % {name}")
    taken = share({key: sum(found["summary"][key] for found in files.values()) for key in KEYS})
    print(f"{taken:6.1f} % of all branches, {options.least:g} % are asked for")
    return int(taken < options.least)


def share(summary: dict[str, int]) -> float:
    """Of the branches, those that were taken, in per cent; 100 where there is none."""
    covered, branches = (summary[key] for key in KEYS)
    return 100.0 * covered / branches if branches else 100.0


if __name__ == "__main__":
    sys.exit(main())
