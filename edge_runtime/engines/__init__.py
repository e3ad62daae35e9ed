"""Inference engines: one small class each behind one contract, imported when they are opened."""

from __future__ import annotations

from edge_runtime.engines.base import Engine, Inference
from edge_runtime.engines.registry import (
    ENGINES,
    EngineEntry,
    default_engine,
    graph_format,
    installed_engines,
    load_engine,
    open_engine,
)

__all__ = [
    "ENGINES",
    "Engine",
    "EngineEntry",
    "Inference",
    "default_engine",
    "graph_format",
    "installed_engines",
    "load_engine",
    "open_engine",
]
