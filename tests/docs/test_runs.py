"""The commands of the pages really run, in order, on tiny synthetic data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime.errors import run_command
from tests.docs.command_lines import PROGRAMS, invocations
from tests.docs.pages import PAGES, Block, read_page
from tests.docs.stage import THINGS, Shelf, smaller

_SHELL = set("|&;<>$*~`")


def _blocks(name: str, slow: bool) -> list[Block]:
    wanted = ("run", "run: slow") if slow else ("run",)
    return [block for block in read_page(name).blocks if block.mark in wanted]


_SLOW = bool(os.environ.get("SALIEDGE_SLOW"))
_RUNNABLE = [name for name in PAGES if _blocks(name, _SLOW)]


@pytest.fixture(scope="module")
def shelf(tiny_run: Path, toy_bundle: Path) -> Shelf:
    return Shelf(tiny_run, toy_bundle)


@pytest.mark.parametrize("name", _RUNNABLE)
def test_the_commands_of_a_page_run(
    name: str,
    shelf: Shelf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SALIEDGE_STATE", str(tmp_path / "state"))
    for thing in read_page(name).given:
        THINGS[thing](tmp_path, shelf)
    for block in _blocks(name, _SLOW):
        for line in block.commands:
            code = _run(line)
            printed = capfd.readouterr()
            told = f"{name}:{block.line}: {line}\n{printed.out[-2000:]}{printed.err[-2000:]}"
            assert code == 0, told


def _run(line: str) -> int:
    """Run a line as a shell would, but a plain command of this project in this process."""
    plain = not _SHELL & set(line.partition("#")[0])
    (first, *others) = invocations(line)
    if not plain or others or first.program not in PROGRAMS:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line], env=os.environ | {"PATH": path}, check=False
        ).returncode
    with pytest.raises(SystemExit) as ended:
        run_command(PROGRAMS[first.program], smaller(first.program, first.arguments), first.program)
    return int(ended.value.code or 0)
