"""Class activation maps: the last feature map weighted by the class's row of the classifier.

Source: Zhou et al., Learning Deep Features for Discriminative Localization, arXiv 1512.04150,
eq. 2. For a network of global average pooling and one linear layer this equals Grad-CAM.
"""

from __future__ import annotations

import numpy as np
import torch

from edge_runtime.errors import ArtifactError
from export import operations as ops
from export.program import CLASS_INDEX_USED, LOGITS, SALIENCY, Program, ProgramTensor, run_all

__all__ = ["add_class_activation"]

_MAPS = "class_maps"
_CLASS_MAP_LEVELS = 127


def add_class_activation(program: Program, images: np.ndarray) -> Program:
    """The program with the class activation map of one class behind it.

    The classifier runs as a 1 x 1 convolution over every cell, which costs little and keeps its
    integer weights; the class is chosen behind it.

    Args:
        program: from :func:`export.lower.lower`.
        images: uint8 ``[N, H, W, 3]`` that fix the scale of the maps.

    Returns:
        A program that also takes ``class_index`` and gives ``saliency`` ``[h, w]`` (the cell's
        evidence; the mean over cells plus the bias is the logit) and ``class_index_used``.

    Raises:
        ArtifactError: the network does not end in global average pooling and one linear layer.
    """
    classifier = next(op for op in program.operations if isinstance(op, ops.Linear))
    if not _is_pooled_right_away(program, classifier):
        raise ArtifactError(
            "class activation maps need global average pooling right in front of the classifier; "
            "the bundle is written without them."
        )
    assert classifier.weight_scale is not None
    last_map = program.tensors[program.last_map]
    logits = program.integers_of(LOGITS)
    weight = classifier.weight[:, :, None, None]
    values = run_all(program, images)
    features = last_map.dequantize(values[program.last_map])
    scales = torch.from_numpy(classifier.weight_scale.astype(np.float64)).reshape(-1, 1, 1, 1)
    real = torch.nn.functional.conv2d(features, torch.from_numpy(weight).double() * scales)
    maps = ProgramTensor(
        _MAPS,
        (len(weight), *last_map.shape[1:]),
        scale=float(np.float32(max(float(real.abs().max()), 1e-12) / _CLASS_MAP_LEVELS)),
        signed=True,
        low=-_CLASS_MAP_LEVELS - 1,
        high=_CLASS_MAP_LEVELS,
    )
    tensors = {
        _MAPS: maps,
        f"{_MAPS}/real": ProgramTensor(f"{_MAPS}/real", maps.shape),
        CLASS_INDEX_USED: ProgramTensor(CLASS_INDEX_USED, (1,)),
        SALIENCY: ProgramTensor(SALIENCY, last_map.shape[1:]),
    }
    operations = (
        ops.TopClass(logits, CLASS_INDEX_USED),
        ops.Conv(
            program.last_map,
            _MAPS,
            _MAPS,
            weight,
            classifier.weight_scale,
            np.zeros(len(weight), np.int32),
        ),
        ops.Dequantize(_MAPS, f"{_MAPS}/real"),
        ops.ClassMap(f"{_MAPS}/real", CLASS_INDEX_USED, SALIENCY),
    )
    outputs = {SALIENCY: SALIENCY, CLASS_INDEX_USED: CLASS_INDEX_USED}
    return program.extended(tensors, operations, outputs)


def _is_pooled_right_away(program: Program, classifier: ops.Linear) -> bool:
    """Whether nothing but a flattening lies between the global pooling and the classifier."""
    producer = program.producer(classifier.input)
    if isinstance(producer, ops.Flatten):
        producer = program.producer(producer.input)
    return isinstance(producer, ops.GlobalAvgPool)
