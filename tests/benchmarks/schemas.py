"""The JSON Schemas of the reference, and how a file differs from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

__all__ = ["documented", "errors_of", "unlike"]

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def documented(name: str) -> jsonschema.Draft202012Validator:
    """Return the schema ``docs/reference/NAME.schema.json``, which is one itself."""
    record = json.loads((REFERENCE / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(record)
    return jsonschema.Draft202012Validator(record)


def errors_of(record: Any, name: str) -> list[str]:
    """What a file has against its schema; also if that is the schema of another version."""
    schema = documented(name)
    found = [error.message for error in schema.iter_errors(record)]
    if f"schema {record['schema']}" not in schema.schema["description"]:
        found.append(f"the document is not of schema {record['schema']}")
    return found


def unlike(record: Any, name: str) -> set[str]:
    """Entries that only the file or only its schema has."""
    root = documented(name).schema
    found: set[str] = set()

    def walk(value: Any, part: dict[str, Any], path: str) -> None:
        while "$ref" in part:
            part = root["$defs"][part["$ref"].rpartition("/")[2]]
        if isinstance(value, list) and "items" in part:
            for item in value:
                walk(item, part["items"], f"{path}[]")
        elif isinstance(value, dict) and "properties" in part:
            found.update(f"{path}.{entry}" for entry in value.keys() ^ part["properties"].keys())
            for entry in value.keys() & part["properties"].keys():
                walk(value[entry], part["properties"][entry], f"{path}.{entry}")

    walk(record, root, "")
    return found
