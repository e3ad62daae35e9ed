"""Links that lead out of ``docs/``, as they work in a checkout, made to work on the site.

Case 1: a file of the repository's root that is a page of the site: the link goes to that page.
Case 2: a picture elsewhere in the repository: it is copied to the site.
Case 3: any other file or folder of the repository: its path is told instead of linked.
Anything else stays, and mkdocs warns where it leads nowhere.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

__all__ = ["COPIED", "ROOT_PAGES", "pictures_outside", "rewritten"]

ROOT_PAGES = {"CONTRIBUTING.md": "contributing/index.md", "CHANGELOG.md": "changelog.md"}
"""File at the root of the repository to the page that is made of it."""

COPIED = "assets/repository/"
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#:]*)(#[^)\s]*)?\)")
_PICTURES = (".jpg", ".png", ".svg")


def rewritten(text: str, page: str, root: Path, source: str | None = None) -> str:
    """The Markdown of a page with its links made to work.

    Args:
        text: Markdown.
        page: path of the page below ``docs/``.
        root: of the repository.
        source: path of the file below the root that the text is from; None for ``docs/PAGE``.
    """
    origin = source or f"docs/{page}"

    def target(match: re.Match[str]) -> str:
        picture, label, path, anchor = match.groups(default="")
        if not path:
            return match[0]
        whole = posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))
        there = _on_site(whole, root)
        if there is not None:
            return f"{picture}[{label}]({_relative(there, page)}{anchor})"
        if whole.startswith(("..", "docs/")) or not (root / whole).exists():
            return match[0]
        return f"{label}" if whole in label else f"{label} (`{whole}`)"

    return _LINK.sub(target, text)


def pictures_outside(text: str, page: str, root: Path) -> list[str]:
    """Paths below the root of the pictures that a page shows from outside of ``docs/``."""
    found = []
    for match in _LINK.finditer(text):
        whole = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), match[3]))
        if match[1] and not whole.startswith(("docs/", "..")) and (root / whole).is_file():
            found.append(whole)
    return found


def _on_site(whole: str, root: Path) -> str | None:
    """The path below ``docs/`` of what a path below the root is on the site."""
    if whole in ROOT_PAGES:
        return ROOT_PAGES[whole]
    if whole == "README.md":
        return "index.md"
    if whole.startswith("docs/"):
        return whole.removeprefix("docs/")
    if whole.endswith(_PICTURES) and (root / whole).is_file():
        return f"{COPIED}{whole}"
    return None


def _relative(there: str, page: str) -> str:
    return posixpath.relpath(there, posixpath.dirname(page) or ".")
