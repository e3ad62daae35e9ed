"""The entries of a JSON object, read out of the code that makes it.

Case 1: a function or a ``to_json`` that holds the object as a literal: the keys of the literal.
Case 2: a dataclass that is written as it is: its fields.
What an entry means comes from a docstring that names it as ````entry`` (meaning)``, from the
``Attributes`` of the class, or from its property of that name.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

from docs_site.docstrings import attribute_texts, summary, without_roles

__all__ = ["entries"]

Shape = type | Callable[..., Any]


def entries(shape: Shape) -> list[tuple[str, str]]:
    """Each key of the object with what it means, as Markdown; empty where that goes without saying.

    Raises:
        LookupError: the code holds no object that can be read out.
    """
    made_by = shape.__dict__.get("to_json") if isinstance(shape, type) else shape
    keys = _literal_keys(made_by) if made_by is not None else []
    if isinstance(shape, type):
        told = _named_in(inspect.getdoc(made_by) or "")
        meanings = {**_properties(shape), **attribute_texts(shape), **told}
        if dataclasses.is_dataclass(shape) and _writes_all_fields(made_by):
            fields = [field.name for field in dataclasses.fields(shape)]
            keys = [*fields, *(key for key in keys if key not in fields)]
    else:
        meanings = _named_in(inspect.getdoc(shape) or "")
    if not keys:
        raise LookupError(f"{shape.__qualname__} holds no JSON object")
    return [(key, meanings.get(key, "")) for key in keys]


def _literal_keys(function: Callable[..., Any]) -> list[str]:
    """The keys of the dictionaries that a function returns or names, and of those inside."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    found: list[str] = []
    for node in ast.walk(tree):
        # Not what is put into an object that there is already (``record[name] = {...}``).
        put = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript)
        if isinstance(node, ast.Return | ast.AnnAssign | ast.Assign) and node.value and not put:
            found += _keys_in(node.value, "")
    return list(dict.fromkeys(found))


def _keys_in(node: ast.AST, place: str) -> list[str]:
    """The keys of the outermost dictionaries in an expression, with their place in front."""
    if not isinstance(node, ast.Dict):
        if isinstance(node, ast.List | ast.ListComp) and place:
            place = f"{place.rstrip('.')}[]."
        return [key for child in ast.iter_child_nodes(node) for key in _keys_in(child, place)]
    found = []
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            found.append(f"{place}{key.value}")
            found += _keys_in(value, f"{place}{key.value}.")
    return found


def _writes_all_fields(to_json: Callable[..., Any] | None) -> bool:
    if to_json is None:
        return True
    return bool(
        re.search(r"asdict\(self\)|vars\(self\)|self\.__dict__", inspect.getsource(to_json))
    )


def _properties(cls: type) -> dict[str, str]:
    """Property to what its docstring says of it."""
    members = inspect.getmembers(cls, lambda member: isinstance(member, property))
    return {name: summary(member) for name, member in members}


def _named_in(docstring: str) -> dict[str, str]:
    """Entry to meaning, of all ````entry`` (meaning)`` in a docstring."""
    text = without_roles(" ".join(docstring.split()))
    return dict(re.findall(r"``([\w.\[\]]+)`` \(((?:[^()]|\([^()]*\))+)\)", text))
