"""Systems that do not exist: files below a folder, and commands that say what the test wants."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from edge_runtime.doctor import System


@dataclass(frozen=True)
class FakeSystem(System):
    """A system whose commands answer from a table; a command that is not in it is not there."""

    answers: dict = field(default_factory=dict)
    refused: tuple = ()

    def run(self, command, seconds=0, **changes):
        return self.answers.get(command[0])

    def may_use(self, path):
        return path.name not in self.refused


@pytest.fixture
def system(tmp_path):
    """Function that makes a system of some files: system({"proc/meminfo": "..."}, machine=...)."""

    def make(files=None, **changes):
        root = tmp_path / "root"
        for name, content in (files or {}).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        fields = {"machine": "aarch64", "state": tmp_path / "state", "year": 2026, **changes}
        return FakeSystem(root=root, **fields)

    return make
