"""The slim package as a wheel, packed from where this process imported it: checkout or install."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import benchmarks
import edge_runtime
from edge_runtime import __version__

__all__ = ["WHEEL_NAME", "slim_wheel"]

WHEEL_NAME = f"saliedge-{__version__}-py3-none-any.whl"
_DEPENDENCIES = ("click>=8.1", "numpy>=1.24", "opencv-python-headless>=4.8", "pillow>=10.0")
_LEFT_OUT = {"__pycache__", "peers", "results", "studies"}
_KINDS = {".py", ".c", ".css", ".html", ".js", ".json", ".svg"}
_LONG_AGO = (2020, 1, 1, 0, 0, 0)  # the same bytes at every packing


def slim_wheel() -> bytes:
    """Return a wheel of ``edge_runtime`` and of the ``benchmarks`` that ship, without training."""
    folder = f"saliedge-{__version__}.dist-info"
    requires = "".join(f"Requires-Dist: {name}\n" for name in _DEPENDENCIES)
    members = dict(_members())
    members[f"{folder}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: saliedge\nVersion: {__version__}\n{requires}".encode()
    )
    members[f"{folder}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: saliedge\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    members[f"{folder}/entry_points.txt"] = (
        b"[console_scripts]\nbench = benchmarks.cli:main\nsaliedge = edge_runtime.cli:main\n"
    )
    record = "".join(
        f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in members.items()
    )
    members[f"{folder}/RECORD"] = f"{record}{folder}/RECORD,,\n".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _members() -> Iterator[tuple[str, bytes]]:
    for package in (benchmarks, edge_runtime):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*")):
            relative = path.relative_to(root)
            if path.suffix in _KINDS and path.is_file() and not _LEFT_OUT & set(relative.parts):
                yield f"{root.name}/{relative.as_posix()}", path.read_bytes()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
