"""Slim runtime for quantised image classifiers on small ARM boards; imports no training framework."""
from __future__ import annotations

__version__ = "0.1.0"
