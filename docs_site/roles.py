"""Docstrings as Markdown in the pages of the API: an extension of griffe."""

from __future__ import annotations

from typing import Any

import griffe

from docs_site.docstrings import without_roles

__all__ = ["MarkdownDocstrings"]


class MarkdownDocstrings(griffe.Extension):  # type: ignore[misc] # unknown where it is missing
    """Writes Sphinx's roles as code before anything else reads a docstring."""

    def on_object(self, *, obj: griffe.Object, **_arguments: Any) -> None:
        """Change the docstring of every module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = without_roles(obj.docstring.value)
