"""Slim runtime for quantised image classifiers on small ARM boards; imports no training framework.

The public names load on first use, so that ``import edge_runtime`` costs nothing:

    from edge_runtime import open_bundle, open_engine

    bundle = open_bundle("model.edge")
    with open_engine("onnx", bundle, saliency="gradient") as engine:
        network_bytes = bundle.spec.preprocessing.apply(frame)   # uint8 [H, W, 3], RGB
        inference = engine.run(network_bytes[None])              # logits, features, saliency
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.first_use import import_on_first_use

__version__ = "0.1.0"

if TYPE_CHECKING:
    from edge_runtime.bundle.reader import Bundle, Reference, open_bundle, open_reference
    from edge_runtime.engines import Engine, Inference, installed_engines, open_engine
    from edge_runtime.errors import SaliedgeError
    from edge_runtime.preprocessing import Preprocessing

__all__ = [
    "Bundle",
    "Engine",
    "Inference",
    "Preprocessing",
    "Reference",
    "SaliedgeError",
    "__version__",
    "installed_engines",
    "open_bundle",
    "open_engine",
    "open_reference",
]

_HOMES = {
    "Bundle": "edge_runtime.bundle.reader",
    "Reference": "edge_runtime.bundle.reader",
    "open_bundle": "edge_runtime.bundle.reader",
    "open_reference": "edge_runtime.bundle.reader",
    "Engine": "edge_runtime.engines",
    "Inference": "edge_runtime.engines",
    "installed_engines": "edge_runtime.engines",
    "open_engine": "edge_runtime.engines",
    "Preprocessing": "edge_runtime.preprocessing",
    "SaliedgeError": "edge_runtime.errors",
}

__getattr__ = import_on_first_use(__name__, _HOMES)
