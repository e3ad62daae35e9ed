"""Taking out of a report what tells who sends it, where it was made, or on which single machine.

Host name, user names, home folders, serial numbers, network addresses and all paths but those that
are the same on every machine (``/dev``, ``/proc``, ``/sys``).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["personal_words", "scrub"]

_PUBLIC = {"", "root", "pi", "ubuntu", "debian", "user", "admin", "localhost", "raspberrypi"}
"""Names that thousands of machines share; the letters ``pi`` are in many words besides."""
_LEAST_LETTERS = 3
_SERIALS = (
    "sys/firmware/devicetree/base/serial-number",
    "proc/device-tree/serial-number",
    "sys/class/dmi/id/product_serial",
    "sys/class/dmi/id/product_uuid",
    "etc/machine-id",
)
_ANY_PATH = re.compile(r"(?<![\w.:/<>*])/(?!(?:dev|proc|sys)\b)[\w.+~@*-]+(?:/[\w.+~@*-]*)*")
_REST_OF_PATH = re.compile(r"<path>(?:/[\w.+~@*-]+)+")
_HARDWARE_ADDRESS = re.compile(r"\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\b")


def personal_words(
    root: Path = Path("/"), environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return what must not be told -> what stands for it.

    Args:
        root: Where the kernel's files are.
        environment: Environment variables.
    """
    host = socket.gethostname()
    words = dict.fromkeys((host, host.partition(".")[0]), "<host>")
    users = [environment.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER", "USERNAME")]
    with contextlib.suppress(KeyError):  # a user without an entry, as in containers
        users.append(pwd.getpwuid(os.getuid()).pw_name)
    words |= dict.fromkeys(users, "<user>")
    home = environment.get("HOME", "").rstrip("/")
    words |= {home: "<path>", Path(home).name: "<user>"}
    for serial in (*(_read(root / path) for path in _SERIALS), _cpu_serial(root)):
        words[serial] = "<serial>"
    return {
        word: stand_in
        for word, stand_in in words.items()
        if word.lower() not in _PUBLIC and len(word) >= _LEAST_LETTERS
    }


def scrub(value: Any, words: Mapping[str, str]) -> Any:
    """Return a JSON value in which no string, key or value, tells anything personal.

    Args:
        value: The value.
        words: See :func:`personal_words`; whole words are replaced, in any case of letters.
    """
    if isinstance(value, dict):
        return {scrub(name, words): scrub(item, words) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [scrub(item, words) for item in value]
    return _clean(value, words) if isinstance(value, str) else value


def _clean(text: str, words: Mapping[str, str]) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    for folder in (word for word in longest_first if word.startswith("/")):
        text = text.replace(folder, words[folder])  # it may hold spaces, as no path below does
    text = _REST_OF_PATH.sub("<path>", _ANY_PATH.sub("<path>", text))
    text = _HARDWARE_ADDRESS.sub("<address>", text)
    for word in longest_first:
        pattern = rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])"
        text = re.sub(pattern, words[word], text, flags=re.IGNORECASE)
    return text


def _cpu_serial(root: Path) -> str:
    found = re.search(r"^Serial\s*:\s*(\S+)", _read(root / "proc/cpuinfo"), re.MULTILINE)
    return found.group(1) if found else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return ""
