"""The model store of a device: installed bundles, and which of them runs."""

from __future__ import annotations

from edge_runtime.models.loading import LoadOptions, load_classifier
from edge_runtime.models.running import StoreClassifier
from edge_runtime.models.selection import TRIAL_STARTS, Selection
from edge_runtime.models.startup import ModelStarter
from edge_runtime.models.state_directory import state_directory
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
