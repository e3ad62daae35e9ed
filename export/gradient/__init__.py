"""Derive the saliency graph: the gradient of a class score, in integers.

Reverse-mode differentiation of the integer program. Every forward operation has one small rule
that writes integer operations for the gradient of its inputs (``export.gradient.rules``), so that a
new backbone needs no new code. Gradient tensors are signed 8 bit; their scales come from
calibration images, on which the same operations run in real numbers first. Two things keep them
fine enough:

- Channels are equalised: each is stored divided by a factor of its own, which costs nothing because
  the factors fold into the weights around it. Channels that a sum joins share their factor.
- Images are brought to one size where all paths join in a small tensor: its peak looks up a factor,
  which the map is divided by in the end.

The map is ``S = max over channels |d logit_c / d image|`` (arXiv 2111.14338, section 3; Simonyan et
al., arXiv 1312.6034), with PACT's straight-through mask taken from the forward integers.
"""

from __future__ import annotations

import numpy as np

from export.gradient.backward import Backward
from export.gradient.derivation import derive
from export.program import IMAGE, Program

__all__ = ["add_early_gradient", "add_gradient"]


def add_gradient(program: Program, images: np.ndarray) -> Program:
    """The program with a gradient map behind it.

    Args:
        program: from :func:`export.lower.lower`.
        images: uint8 ``[N, H, W, 3]`` that fix the scales of the gradients; 32 or more are useful.
            Every fourth is asked about a class in turn, the others about their top class.

    Returns:
        A program that also takes ``class_index`` and gives ``saliency`` ``[H, W]`` (logit per grey
        level) and ``class_index_used``.

    Raises:
        ArtifactError: an operation on the way has no integer gradient.
    """
    return derive(Backward(program, images, IMAGE))


def add_early_gradient(program: Program, images: np.ndarray, target: str) -> Program:
    """The program with the gradient for an early feature map behind it.

    Args:
        program: from :func:`export.lower.lower`.
        images: as for :func:`add_gradient`.
        target: the tensor of the feature map ``[K, h, w]``, which everything passes through.

    Returns:
        A program that also takes ``class_index`` and gives ``saliency`` ``[h, w]`` (logit per unit
        of the feature, the maximum over its channels) and ``class_index_used``.

    Raises:
        ArtifactError: an operation on the way has no integer gradient.
    """
    return derive(Backward(program, images, target))
