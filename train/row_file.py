"""Records of finished work, one small JSON file each, that a study or a sweep goes on from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from edge_runtime.errors import ArtifactError
from edge_runtime.files import atomic_write_text

__all__ = ["ROWS_FOLDER", "read_row", "row_files", "write_row"]

ROWS_FOLDER = "rows"
_Row = TypeVar("_Row")


def row_files(folder: Path) -> list[Path]:
    """The files of all rows below ``folder``, sorted."""
    return sorted((folder / ROWS_FOLDER).glob("*.json"))


def write_row(path: Path, kind: str, version: int, fields: dict[str, Any]) -> None:
    """Write a record, a line for each field.

    Raises:
        OutputError: it cannot be written.
    """
    record = {"format": kind, "version": version, **fields}
    lines = [f"{json.dumps(key)}: {_compact(value)}" for key, value in record.items()]
    atomic_write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def read_row(
    path: Path, kind: str, version: int, build: Callable[[dict[str, Any]], _Row], remedy: str
) -> _Row:
    """Read what :func:`write_row` wrote.

    Args:
        path: the file.
        kind: what it must say that it is.
        version: the only version that is read.
        build: makes the record of its fields.
        remedy: what happens if the file is removed, for the sentence.

    Raises:
        ArtifactError: it is damaged or of another version.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if (record.pop("format"), record.pop("version")) != (kind, version):
            raise ArtifactError(
                f"{path} was written by another version of saliedge; use that version."
            )
        return build(record)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); remove it, and {remedy}.") from error


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)
