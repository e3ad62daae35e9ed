"""What the JSON files of all reports share: kind, schema, and the sentences about a wrong file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from edge_runtime.errors import ArtifactError

__all__ = ["json_lines", "read_report_file", "report_fields"]

_Report = TypeVar("_Report")


@contextmanager
def report_fields(
    record: Any, kind: str, schema: str, writer: str, older_majors: Sequence[str] = ()
) -> Iterator[None]:
    """Check what a JSON value says that it is; the block then reads its fields.

    Args:
        record: The JSON value.
        kind: Its ``kind``.
        schema: The schema that this version reads, ``MAJOR.MINOR``; another minor is accepted.
        writer: The command that writes such reports, for the sentence.
        older_majors: Earlier major versions that the block can read, too.

    Raises:
        ValueError: It is no such report, of another major version, or the block found a field
            missing or of another type.
    """
    if not isinstance(record, dict) or record.get("kind") != kind:
        raise ValueError(f"it is no report of {writer}")
    found = str(record.get("schema"))
    if found.partition(".")[0] not in (schema.partition(".")[0], *older_majors):
        raise ValueError(f"it has the schema {found}, and this version reads {schema}")
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it lacks a field or has one of another type ({error})") from error


def json_lines(record: dict[str, Any]) -> bytes:
    """Return a JSON file with one line for each top-level entry; ``ValueError`` for a NaN."""
    entries = (
        f" {json.dumps(name)}: {json.dumps(value, allow_nan=False)}"
        for name, value in record.items()
    )
    return ("{\n" + ",\n".join(entries) + "\n}\n").encode()


def read_report_file(path: Path, build: Callable[[Any], _Report], remedy: str) -> _Report:
    """Read the JSON file of a report.

    Args:
        path: The file.
        build: Makes the report of the JSON value, or raises ``ValueError``.
        remedy: What to give instead, for the sentence.

    Raises:
        ArtifactError: The file is missing, damaged, no report or of another major version.
    """
    try:
        return build(json.loads(path.read_bytes()))
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror}); {remedy}.") from error
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} cannot be used ({error}); {remedy}.") from error
