"""Running under systemd: telling it how things are, and the unit that starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.first_use import import_on_first_use

if TYPE_CHECKING:
    from edge_runtime.service.notify import ServiceManager
    from edge_runtime.service.unit import UnitOptions, unit_text

__all__ = ["ServiceManager", "UnitOptions", "unit_text"]

__getattr__ = import_on_first_use(
    __name__,
    {
        "ServiceManager": "edge_runtime.service.notify",
        "UnitOptions": "edge_runtime.service.unit",
        "unit_text": "edge_runtime.service.unit",
    },
)
