"""What every command of this project has in common."""

from __future__ import annotations

from typing import Any

__all__ = ["SETTINGS"]

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
"""For click's ``context_settings``."""
