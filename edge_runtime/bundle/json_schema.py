"""The JSON Schema of ``bundle.json``, made from the classes that read it.

``python -m edge_runtime.bundle.json_schema`` prints it; ``bundle.schema.json`` beside this module
holds the same text.
"""

from __future__ import annotations

import json
from typing import Any

from edge_runtime.bundle.schema import SCHEMA, BundleSpec

__all__ = ["bundle_json_schema", "schema_text"]


def bundle_json_schema() -> dict[str, Any]:
    """Return the schema, JSON Schema draft 2020-12.

    Whatever the runtime opens is valid. Rules between fields (a graph's file is listed, one logit
    for each class) are the runtime's alone; docs/reference/bundle.md lists them.
    """
    major = SCHEMA.partition(".")[0]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:saliedge:bundle:{major}",
        "title": f"bundle.json {SCHEMA}",
        "description": "The record of a saliedge bundle; fields that are not named are ignored.",
        **BundleSpec.json_schema(),
    }


def schema_text() -> str:
    """Return the text of ``bundle.schema.json``."""
    return json.dumps(bundle_json_schema(), indent=1) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
