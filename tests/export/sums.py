"""Programs that add two bytes, and a picture with all pairs of them."""

from __future__ import annotations

import numpy as np

from export.operations import Add, Conv, Dequantize
from export.program import IMAGE, Program, ProgramTensor


def all_pairs():
    """One picture: the first summand's byte is the row, the second's the column."""
    rows, columns = np.indices((256, 256), np.uint8)
    return np.stack([rows, columns, np.zeros_like(rows)], axis=-1)[None]


def sum_of(left, right, target):
    """A program that adds the first two channels of an image, as the integers of the specs."""
    image = ProgramTensor(IMAGE, (3, 256, 256), scale=1 / 64, zero_point=128)
    specs = {
        name: ProgramTensor(
            name, (1, 256, 256), spec.scale, signed=spec.signed, low=spec.low, high=spec.high
        )
        for name, spec in (("left", left), ("right", right), ("total", target))
    }
    operations = [
        _channel(position, specs[name]) for position, name in enumerate(("left", "right"))
    ]
    operations += [Add("left", "right", "total"), Dequantize("total", "sum")]
    output = ProgramTensor("sum", (1, 256, 256))
    return Program({IMAGE: image, **specs, "sum": output}, tuple(operations), {"sum": "sum"})


def _channel(position, spec):
    """A convolution that copies one channel's bytes: its multiplier is exactly 1."""
    weight = np.zeros((1, 3, 1, 1), np.int8)
    weight[0, position] = 1
    bias = np.array([0 if spec.signed else 128], np.int32)
    scale = np.array([spec.scale * 64], np.float32)
    return Conv(IMAGE, spec.name, spec.name, weight, scale, bias)
