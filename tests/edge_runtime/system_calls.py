"""What a program asks of the kernel, by strace."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass

from tests.requirements import require_program

_CALL = re.compile(r"\d+ +([a-z_0-9]+)\((.*)")
_SOCKETS = ("socket", "connect", "sendto", "sendmsg", "sendmmsg", "bind", "listen")


@dataclass(frozen=True)
class Trace:
    """The system calls of a program and its children.

    Attributes:
        calls: Name and the rest of the line, in order.
        home: Files below its home directory afterwards, as paths relative to it.
    """

    calls: list
    home: list

    @property
    def names(self):
        return {name for name, _ in self.calls}

    @property
    def network(self):
        """Calls that reach for a socket of any kind."""
        return [f"{name}({rest}" for name, rest in self.calls if name in _SOCKETS]


def trace(command, folder, *options):
    """Run a program under strace in an empty home directory below `folder`.

    Args:
        command: Program and arguments.
        folder: An empty folder.
        options: More options of strace.
    """
    strace = require_program("strace", "strace")
    home, log = folder / "home", folder / "trace"
    home.mkdir()
    # Nothing else: an engine that finds CI in its environment sends nothing, which proves nothing.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("LANG", "LC_", "LD_LIBRARY_", "OMP_", "PATH", "PYTHON"))
    }
    subprocess.run(
        [strace, "-f", "-qq", "-o", log, *options, *command],
        check=True,
        cwd=home,
        env={**environment, "HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found = (_CALL.match(line) for line in log.read_text(errors="replace").splitlines())
    calls = [(match[1], match[2]) for match in found if match]
    assert calls
    files = sorted(path.relative_to(home).as_posix() for path in home.rglob("*"))
    return Trace(calls, files)


def calls_of_filter(*sets):
    """Names of the system calls in sets of systemd, `@system-service` for instance."""
    program = require_program("systemd-analyze", "systemd")
    found, waiting = set(), list(sets)
    while waiting:
        ended = subprocess.run(
            [program, "syscall-filter", "--no-pager", waiting.pop()],
            check=True,
            capture_output=True,
            text=True,
        )
        for name in ended.stdout.split("\n")[1:]:
            name = name.strip()
            if name.startswith("@"):
                waiting.append(name)
            elif name and not name.startswith("#"):
                found.add(name)
    return found
