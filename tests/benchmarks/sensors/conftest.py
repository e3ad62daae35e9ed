"""Boards that do not exist: the kernel's files below a folder, and a firmware that answers."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from edge_runtime.doctor import System


@dataclass(frozen=True)
class FakeBoard(System):
    """A board whose firmware answers from a table of arguments; others are refused."""

    firmware: dict = field(default_factory=dict)

    def run(self, command, seconds=0, **changes):
        answer = self.firmware.get(" ".join(command[1:]))
        return None if command[0] != "vcgencmd" or answer is None else (0, answer, "")


@pytest.fixture
def board(tmp_path):
    """Function that makes a board: board({"sys/...": "41000"}, measure_clock_arm="...")."""

    def make(files=None, firmware=None):
        for name, content in (files or {}).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        return FakeBoard(root=tmp_path, firmware=firmware or {})

    return make
