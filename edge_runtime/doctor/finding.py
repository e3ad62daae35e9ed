"""One thing that was looked at, what was found, and what to do about it."""

from __future__ import annotations

from typing import Any, Literal, get_args

from edge_runtime.quick_dataclass import dataclass

__all__ = ["Finding", "Status"]

Status = Literal["ok", "note", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What it is about, e.g. ``memory``.
        status: ``ok``; ``note`` if it is worth knowing; ``warning`` if something works worse than
            it could; ``problem`` if it keeps saliedge from working.
        text: What was found.
        remedy: What to do about it; empty if all is well.
    """

    name: str
    status: Status
    text: str
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.status not in get_args(Status):
            raise ValueError(f"there is no status {self.status!r}")
        if self.status != "ok" and not self.remedy:
            raise ValueError(f"the {self.status} about {self.name} has no remedy")

    def to_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return {
            "name": self.name,
            "status": self.status,
            "text": self.text,
            "remedy": self.remedy,
        }
