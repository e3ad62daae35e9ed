"""Processes that take turns."""

from __future__ import annotations

import os
import sys

import pytest

from benchmarks.peers.turns import in_turns, take_turns

_COUNTS = """
import sys
from benchmarks.peers.turns import in_turns
for index in in_turns(6, 2):
    with open({log!r}, "a") as log:
        print({name!r}, index, file=log)
print("end of", {name!r})
"""


def _command(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_without_turns_nobody_is_waited_for(capsys):
    assert list(in_turns(3, 0)) == [0, 1, 2]
    assert capsys.readouterr().out == ""


def test_processes_change_places_after_each_turn_and_order_after_each_round(tmp_path):
    log = tmp_path / "log"
    commands = [_command(_COUNTS.format(log=str(log), name=name)) for name in "ab"]
    assert take_turns(commands, 3, os.environ) == ["end of a", "end of b"]
    expected = ["a 0", "a 1", "b 0", "b 1", "b 2", "b 3", "a 2", "a 3", "a 4", "a 5", "b 4", "b 5"]
    assert log.read_text().splitlines() == expected


def test_one_that_fails_ends_all_with_what_it_said(tmp_path):
    waits = _command(_COUNTS.format(log=str(tmp_path / "log"), name="a"))
    with pytest.raises(RuntimeError, match="no such model"):
        take_turns([waits, _command("raise SystemExit('no such model')")], 3, os.environ)
