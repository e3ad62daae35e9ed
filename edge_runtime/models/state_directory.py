"""Where a device keeps what it must remember: the installed models and which of them runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["SYSTEM_STATE", "state_directory"]

SYSTEM_STATE = Path("/var/lib/saliedge")


def state_directory(
    option: str | None = None,
    environment: Mapping[str, str] = os.environ,
    user_id: int | None = None,
) -> Path:
    """Return the folder of the state; nothing is made.

    The first of these decides: the option ``--state-dir``, ``SALIEDGE_STATE``, systemd's
    ``STATE_DIRECTORY`` (the first, if there are several), ``/var/lib/saliedge`` for root, and
    ``$XDG_STATE_HOME/saliedge`` (else ``~/.local/state/saliedge``) for anybody else.

    Args:
        option: What the user gave on the command line.
        environment: Environment variables.
        user_id: Effective user; this process's if None.
    """
    service = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    named = option or environment.get("SALIEDGE_STATE") or service
    if named:
        return Path(named).expanduser()
    if (os.geteuid() if user_id is None else user_id) == 0:
        return SYSTEM_STATE
    base = environment.get("XDG_STATE_HOME", "")
    # The specification ignores relative paths.
    home = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state"
    return home / "saliedge"
