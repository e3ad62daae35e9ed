"""Killed at any step of any operation, a store has a model that works at the next start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edge_runtime.bundle import open_bundle
from edge_runtime.models import LoadOptions, ModelStarter, ModelStore
from tests.edge_runtime.models import killed_steps

# What happened to the second model before, besides that it is installed.
BEFORE = {
    "use": (),
    "start": ("choose",),
    "prove": ("choose",),
    "give_up": ("choose",),
    "rollback": ("choose", "prove"),
    "remove": ("choose", "prove"),
}
LEAST_STEPS = {"install": 20, "remove": 20}


@pytest.fixture
def states(tmp_path, store, shelf, installed, proven):
    """Function that returns the state directories that an operation leaves, killed at each step."""

    def leave(operation):
        proven("first")
        if operation != "install":
            sha256 = installed("second")
            for change in BEFORE[operation]:
                store.update(lambda record, change=change: getattr(record, change)(sha256))
        folder = shelf("second").parent
        out = tmp_path / "killed"
        subprocess.run(
            [sys.executable, killed_steps.__file__, store.root, folder, out, operation], check=True
        )
        return sorted(out.iterdir())

    return leave


@pytest.mark.parametrize("operation", killed_steps.OPERATIONS)
def test_a_model_works_after_a_kill_at_any_step(states, store, shelf, operation):
    left = states(operation)
    assert len(left) > LEAST_STEPS.get(operation, 2)
    allowed = (store.selection(), ModelStore(left[-1]).selection())
    for root in left:
        killed = ModelStore(root)
        assert killed.selection() in allowed
        assert killed.open(killed.selection().wanted).verify_files().passed
        starter = ModelStarter(
            killed, LoadOptions("onnx", threads=1), lambda bundle: None, report=pytest.fail
        )
        starter.load_proven().close()
        assert all(not model.problem for model in killed.installed())
        if operation in ("install", "remove"):
            _finish(killed, operation, shelf)


def _finish(killed, operation, shelf):
    """The next try gets through, and whatever the killed one left is cleared."""
    first, second = (open_bundle(shelf(name)).sha256 for name in ("first", "second"))
    if operation == "install" or (killed.root / "models" / first).exists():
        killed_steps.OPERATIONS[operation](killed, shelf("first").parent)
    else:
        killed_steps.install(killed, shelf("first").parent)
    left = {path.name for path in (killed.root / "models").iterdir()}
    assert left == ({second} if operation == "remove" else {first, second})
