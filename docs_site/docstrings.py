"""Docstrings as Markdown, and what they say of the fields of a class.

Docstrings here are Markdown but for Sphinx's roles, such as ``:func:`export.lower.lower```.
"""

from __future__ import annotations

import inspect
import re

from edge_runtime import record

__all__ = ["attribute_texts", "summary", "without_roles"]

_ROLE = re.compile(r":(?:attr|class|const|data|exc|func|meth|mod|obj):`~?\.?([\w.]+)`")


def without_roles(text: str) -> str:
    """Sphinx's roles as code: the last part of a name with dots, the whole name of a module."""

    def shown(match: re.Match[str]) -> str:
        name = match[1]
        return f"`{name if match[0].startswith(':mod:') else name.rpartition('.')[2]}`"

    return _ROLE.sub(shown, text)


def summary(documented: object) -> str:
    """The first paragraph of a docstring, on one line."""
    first = inspect.cleandoc(documented.__doc__ or "").partition("\n\n")[0]
    return without_roles(" ".join(first.split()))


def attribute_texts(cls: type) -> dict[str, str]:
    """Field to its text in the ``Attributes`` of the class's docstring, and of its bases'."""
    return {name: without_roles(text) for name, text in record.attribute_texts(cls).items()}
