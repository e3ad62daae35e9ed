"""The exit codes, and the errors that lead to them."""

from __future__ import annotations

from docs_site.docstrings import summary
from docs_site.markdown import code, escaped, table
from docs_site.page import Page
from edge_runtime import errors
from edge_runtime.errors import EXIT_CODES, SaliedgeError

__all__ = ["exit_code_page"]


def exit_code_page() -> Page:
    """The page, from ``edge_runtime.errors``."""
    classes: dict[int, type[SaliedgeError]] = {
        value.exit_code: value
        for name in errors.__all__
        if isinstance(value := getattr(errors, name), type)
        and issubclass(value, SaliedgeError)
        and value is not SaliedgeError
    }
    rows = [
        (str(number), escaped(meaning), code(classes[number].__name__ if number in classes else ""))
        for number, meaning in EXIT_CODES.items()
    ]
    said = "\n".join(
        f"- `{found.__name__}` ({number}): {summary(found)}"
        for number, found in sorted(classes.items())
    )
    return Page(
        "reference/exit-codes.md",
        "Exit codes",
        "Every command ends with one of these. An error that a user can cause is one sentence on "
        "standard error: what is wrong, where, and what to do; its class decides the code. "
        "Anything else is a bug and keeps its traceback. After 130 and 143 what was finished is "
        "kept.\n\n"
        + table(("code", "meaning", "class"), rows)
        + f"\n## For programs\n\nAll derive from `SaliedgeError`, see "
        f"[`edge_runtime.errors`](api/edge_runtime.errors.md).\n\n{said}\n",
    )
