"""A JSON Schema as tables: one for each object in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docs_site.markdown import code, table
from docs_site.page import Page
from edge_runtime.bundle.json_schema import bundle_json_schema

__all__ = ["bench_report_pages", "bundle_schema_page", "schema_tables"]

Json = dict[str, Any]
_REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
BENCH_REPORTS = {
    "bench-report": "bench report",
    "sustained-report": "bench --minutes report",
    "profile-report": "bench profile report",
}
"""Name of a schema in the reference -> title of its page."""
# Bounds and forms that are told in words behind the type.
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minItems": "{} or more items",
    "maxItems": "{} items at most",
    "pattern": "like `{}`",
}


def bundle_schema_page() -> Page:
    """``bundle.json``."""
    schema = bundle_json_schema()
    return Page(
        "reference/bundle-schema.md",
        "bundle.json",
        f"{schema['description']} Schema {schema['title'].rpartition(' ')[2]}, made from the "
        "classes that read it; [the bundle](bundle.md) tells what else a reader asks and how "
        "versions go. `python -m edge_runtime.bundle.json_schema` prints the JSON Schema.\n\n"
        + schema_tables(schema),
    )


def bench_report_pages() -> list[Page]:
    """What ``bench``, ``bench --minutes`` and ``bench profile`` write with ``--json``."""
    pages = []
    for name, title in BENCH_REPORTS.items():
        file = f"{name}.schema.json"
        schema = json.loads((_REFERENCE / file).read_text(encoding="utf-8"))
        body = f"{schema['description']}\n\n[The JSON Schema]({file}) as a file.\n\n"
        pages.append(Page(f"reference/{name}.md", title, body + schema_tables(schema)))
    return pages


def schema_tables(schema: Json) -> str:
    """Tables of the root and of every object below it, each under the path that leads to it."""
    definitions = schema.get("$defs", {})
    parts, pending = [], [("", schema)]
    while pending:
        path, shape = pending.pop(0)
        rows = []
        required = set(shape.get("required", ()))
        for name, entry in shape.get("properties", {}).items():
            resolved = _resolved(entry, definitions)
            inside = _object_inside(resolved, definitions)
            below = f"{path}.{name}" if path else name
            if inside is not None and inside[1].get("properties"):
                pending.append((f"{below}{inside[0]}", inside[1]))
            said = entry.get("description") or resolved.get("description", "")
            needed = "" if name in required else "optional"
            rows.append((code(name), _type(resolved, definitions), needed, _one_line(said)))
        if path:
            parts.append(f"## `{path}`\n\n{_one_line(shape.get('description', ''))}\n")
        parts.append(table(("entry", "type", "", "meaning"), rows))
    return "\n".join(parts)


def _resolved(entry: Json, definitions: Json) -> Json:
    if "$ref" in entry:
        return {**definitions[entry["$ref"].rpartition("/")[2]], **entry}
    return entry


def _object_inside(entry: Json, definitions: Json) -> tuple[str, Json] | None:
    """The object that an entry is or holds, and how one gets to it."""
    if _tells_absence(entry):
        return None
    if "properties" in entry:
        return "", entry
    for step, keyword in (("[]", "items"), (".*", "additionalProperties")):
        inner = entry.get(keyword)
        if isinstance(inner, dict):
            found = _object_inside(_resolved(inner, definitions), definitions)
            return None if found is None else (step + found[0], found[1])
    for choice in entry.get("anyOf", ()):
        found = _object_inside(_resolved(choice, definitions), definitions)
        if found is not None:
            return found
    return None


def _tells_absence(entry: Json) -> bool:
    """Whether it is the object that stands for a figure that could not be read."""
    return list(entry.get("properties", ())) == ["absent"]


def _type(entry: Json, definitions: Json) -> str:
    """What an entry may be, as Markdown."""
    entry = _resolved(entry, definitions)
    if _tells_absence(entry):
        return "absent"
    if "const" in entry:
        return code(json.dumps(entry["const"]))
    if "enum" in entry:
        return ", ".join(code(json.dumps(choice)) for choice in entry["enum"])
    if "anyOf" in entry:
        return " or ".join(_type(choice, definitions) for choice in entry["anyOf"])
    kind = entry.get("type", "any")
    words = " or ".join(kind) if isinstance(kind, list) else kind
    if kind == "array":
        words = f"array of {_type(entry['items'], definitions)}"
    elif kind == "object" and isinstance(entry.get("additionalProperties"), dict):
        words = f"object of {_type(entry['additionalProperties'], definitions)}"
    limits = [text.format(entry[key]) for key, text in _LIMITS.items() if key in entry]
    return ", ".join([words, *limits]).replace("|", "\\|")


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
