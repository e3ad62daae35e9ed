"""Kill an operation on a store at each of its file-system steps, and leave the states behind.

Run as a program: BASE SHELF OUT OPERATION. A fresh copy of BASE (a state directory) is made for
every step; a forked child works on it and is killed (SIGKILL) right before that step. The last
copy is the one whose child got through.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from pathlib import Path

from edge_runtime.bundle import open_bundle
from edge_runtime.models import ModelStore

_STEPS = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "ctypes.dlopen")


def install(store, shelf):
    store.install(open_bundle(shelf / "second.edge"), lambda folder: None)


def use(store, shelf):
    store.update(lambda record: record.choose(_sha256(shelf, "second")))


def start(store, shelf):
    store.update(lambda record: record.start(_sha256(shelf, "second")))


def prove(store, shelf):
    store.update(lambda record: record.prove(_sha256(shelf, "second")))


def give_up(store, shelf):
    store.update(lambda record: record.give_up(_sha256(shelf, "second"), "it failed"))


def rollback(store, shelf):
    store.update(lambda record: record.roll_back())


def remove(store, shelf):
    store.remove(_sha256(shelf, "first"))


OPERATIONS = {
    function.__name__: function
    for function in (install, use, start, prove, give_up, rollback, remove)
}


def _sha256(shelf, name):
    return open_bundle(shelf / f"{name}.edge").sha256


def _is_step(event, arguments, root):
    """Whether an audit event (PEP 578) is about to change something below `root`."""
    if event == "open":
        path, _mode, flags = arguments
        return str(path).startswith(root) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return event in _STEPS


def _kill_before(step, root):
    left = itertools.count(step, -1)

    def hook(event, arguments):
        if _is_step(event, arguments, root) and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main(base, shelf, out, operation):
    step = 0
    while True:
        root = out / f"{step:03d}"
        shutil.copytree(base, root)
        child = os.fork()
        if child == 0:
            _kill_before(step, str(root))
            OPERATIONS[operation](ModelStore(root), shelf)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            return os.waitstatus_to_exitcode(status)
        step += 1


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:4]), sys.argv[4]))
