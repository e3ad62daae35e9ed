"""A generated page."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Page"]


@dataclass(frozen=True)
class Page:
    """A page of the site that is no file of the repository.

    Attributes:
        path: below ``docs/``, such as ``reference/exit-codes.md``.
        title: in the navigation, and the page's heading.
        body: Markdown without the heading.
    """

    path: str
    title: str
    body: str

    @property
    def text(self) -> str:
        """Markdown of the whole page."""
        return f"# {self.title}\n\n{self.body.strip()}\n"
