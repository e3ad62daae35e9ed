"""Procedural endoscopy: synthetic pictures for demonstrations and tests, with known truth.

Nothing here comes from a patient, and a model trained on it is good for nothing but showing that
the tools work. Three classes: `normal` wall, `polyp` (with the lesion's exact mask, anywhere in the
picture) and `inflamed` wall. A shortcut can be planted (a dark box with a green marker, as the
position displays in real recordings), so that a saliency map can be checked against truth.
"""

from __future__ import annotations

from edge_runtime.synthetic.dataset import write_dataset
from edge_runtime.synthetic.picture import CLASSES, LESION_CLASS, SyntheticSample, generate
from edge_runtime.synthetic.scene import SyntheticScene

__all__ = [
    "CLASSES",
    "LESION_CLASS",
    "SyntheticSample",
    "SyntheticScene",
    "generate",
    "write_dataset",
]
