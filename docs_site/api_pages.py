"""A page of the API for each package that has public names: those of its ``__init__``."""

from __future__ import annotations

import ast
from pathlib import Path

from docs_site.markdown import table
from docs_site.page import Page

__all__ = ["FOLDER", "api_pages", "public_names"]

FOLDER = "reference/api"
_ROOT = Path(__file__).parent.parent
_PACKAGES = ("edge_runtime", "train", "export")
# Modules that others are told to import from although they are no package.
_MODULES = ("edge_runtime.errors", "edge_runtime.files", "edge_runtime.preprocessing")


def api_pages() -> list[Page]:
    """The list of packages, and a page for each."""
    names = public_names()
    rows = [(f"[`{module}`]({module}.md)", _first_sentence(module)) for module in names]
    index = (
        "Public is what a package's `__init__` names in `__all__`, and three modules on their own. "
        "The rest may change without notice. `edge_runtime` is what a device has; `train` and "
        "`export` need their extras.\n\n" + table(("package", ""), rows)
    )
    return [
        Page(f"{FOLDER}/index.md", "API", index),
        *(
            Page(f"{FOLDER}/{module}.md", module, _directive(module, members))
            for module, members in names.items()
        ),
    ]


def public_names() -> dict[str, list[str]]:
    """Module to the names in its ``__all__``, without importing any."""
    found = {}
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("__init__.py")):
            module = ".".join(path.parent.relative_to(_ROOT).parts)
            if members := _exported(path):
                found[module] = members
    for module in _MODULES:
        found[module] = _exported(_path(module))
    return dict(sorted(found.items()))


def _path(module: str) -> Path:
    path = _ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _exported(path: Path) -> list[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [name for name in ast.literal_eval(node.value) if not name.startswith("__")]
    return []


def _first_sentence(module: str) -> str:
    docstring = ast.get_docstring(ast.parse(_path(module).read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.partition("\n\n")[0].split()).replace("|", "\\|")


def _directive(module: str, members: list[str]) -> str:
    lines = [f"::: {module}", "    options:", "      members:"]
    return "\n".join([*lines, *(f"        - {name}" for name in members)])
