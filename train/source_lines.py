"""Naming the line of a user's or a library's source that an error or a traced operation is from."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterable
from pathlib import Path

import torch

__all__ = ["where_raised", "where_traced"]

_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')
# A line in torch or in this package says nothing of the user's network.
_NOT_THE_USERS = tuple(f"{Path(file).parent}{os.sep}" for file in (torch.__file__, __file__))


def where_raised(error: BaseException) -> str:
    """``TypeError: the first line of its message (net.py, line 12)``, on one line."""
    frames = [
        (frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)
    ]
    message = str(error).strip().partition("\n")[0].rstrip(".")
    place = _deepest(frames)
    return (
        type(error).__name__
        + (f": {message}" if message else "")
        + (f" ({place})" if place else "")
    )


def where_traced(stack_trace: str) -> str:
    """``net.py, line 12`` from the stack trace that torch.export keeps; empty if it has none."""
    found = [(match["file"], int(match["line"])) for match in _FRAME.finditer(stack_trace)]
    return _deepest(found)


def _deepest(frames: Iterable[tuple[str, int]]) -> str:
    users = [frame for frame in frames if not frame[0].startswith((*_NOT_THE_USERS, "<"))]
    if not users:
        return ""
    file, line = users[-1]
    return f"{_shown(Path(file))}, line {line}"


def _shown(path: Path) -> str:
    """Relative to the current directory or to the installed packages, where it lies in these."""
    parts = path.parts
    if "site-packages" in parts:
        return str(Path(*parts[parts.index("site-packages") + 1 :]))
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
