"""The model store of a device: installed bundles, and which of them runs.

The names load on first use: a run of a bundle that was named needs no store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.first_use import import_on_first_use

# At once: its module has its name, and would be found in its place.
from edge_runtime.models.state_directory import state_directory

if TYPE_CHECKING:
    from edge_runtime.models.loading import LoadOptions, load_classifier
    from edge_runtime.models.running import StoreClassifier
    from edge_runtime.models.selection import TRIAL_STARTS, Selection
    from edge_runtime.models.startup import ModelStarter
    from edge_runtime.models.store import InstalledModel, ModelStore
    from edge_runtime.models.trust import Verify, signature_check

__all__ = [
    "TRIAL_STARTS",
    "InstalledModel",
    "LoadOptions",
    "ModelStarter",
    "ModelStore",
    "Selection",
    "StoreClassifier",
    "Verify",
    "load_classifier",
    "signature_check",
    "state_directory",
]

__getattr__ = import_on_first_use(
    __name__,
    {
        "TRIAL_STARTS": "edge_runtime.models.selection",
        "InstalledModel": "edge_runtime.models.store",
        "LoadOptions": "edge_runtime.models.loading",
        "ModelStarter": "edge_runtime.models.startup",
        "ModelStore": "edge_runtime.models.store",
        "Selection": "edge_runtime.models.selection",
        "StoreClassifier": "edge_runtime.models.running",
        "Verify": "edge_runtime.models.trust",
        "load_classifier": "edge_runtime.models.loading",
        "signature_check": "edge_runtime.models.trust",
    },
)
