"""Looking at a Linux system without ever failing: what cannot be read is absent."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from edge_runtime.quick_dataclass import dataclass

__all__ = ["System"]

_MOST_BYTES = 1 << 20
_COMMAND_SECONDS = 10.0


@dataclass(frozen=True)
class System:
    """A system below a root directory.

    Attributes:
        root: Its root directory.
        machine: Architecture, as ``uname -m`` says.
        environment: Environment variables.
        state: The state directory.
        year: The present year, as the system's clock says.
    """

    root: Path = Path("/")
    machine: str = field(default_factory=lambda: os.uname().machine)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    state: Path = Path("/var/lib/saliedge")
    year: int = field(default_factory=lambda: time.gmtime().tm_year)

    def read(self, path: str) -> str | None:
        """Return a file's text without NULs and surrounding space, or None.

        Pipes and devices are not waited for, a megabyte is read at most, and bytes that are no
        text are replaced.
        """
        try:
            descriptor = os.open(self.root / path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as stream:
                data = stream.read(_MOST_BYTES)
        except (OSError, ValueError):
            return None
        return _text(data or b"")

    def number(self, path: str) -> float | None:
        """Return a file's number, or None if there is no file or no finite number in it."""
        return parse_number(self.read(path) or "")

    def paths(self, pattern: str) -> list[Path]:
        """Return the paths that a pattern below the root matches, sorted."""
        try:
            return sorted(self.root.glob(pattern))
        except (OSError, ValueError):
            return []

    def exists(self, path: str) -> bool:
        """Tell whether there is such a path."""
        return os.path.lexists(self.root / path)

    def may_use(self, path: Path) -> bool:
        """Tell whether this user may read and write a file."""
        return os.access(path, os.R_OK | os.W_OK)

    def run(
        self, command: Sequence[str], seconds: float = _COMMAND_SECONDS, **changes: str
    ) -> tuple[int, str, str] | None:
        """Run a command and return its exit status, output and errors; None if it cannot be run.

        Args:
            command: Program and arguments.
            seconds: After which it is ended, and counts as not to be run.
            changes: Variables to add to the environment.
        """
        try:
            ended = subprocess.run(
                list(command),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                check=False,
                env={**self.environment, "LC_ALL": "C", **changes},
            )
        except (OSError, ValueError, subprocess.SubprocessError):
            return None
        return ended.returncode, _text(ended.stdout), _text(ended.stderr)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\0", "").strip()


def parse_number(text: str) -> float | None:
    """Return the first word of a text as a finite number, or None."""
    words = text.split()
    try:
        value = float(words[0]) if words else None
    except ValueError:
        return None
    return value if value is not None and abs(value) < 1e300 else None
