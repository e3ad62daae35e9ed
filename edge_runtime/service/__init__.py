"""Running under systemd: telling it how things are, and the unit that starts it."""

from __future__ import annotations

from edge_runtime.service.notify import ServiceManager
from edge_runtime.service.unit import UnitOptions, unit_text

__all__ = ["ServiceManager", "UnitOptions", "unit_text"]
