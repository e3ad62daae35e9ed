"""The operations of an integer program."""

from export.operations.forward import (
    Add,
    AvgPool,
    Concat,
    Conv,
    Dequantize,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool,
)
from export.operations.max_pool_gradient import MaxPoolGradient
from export.operations.saliency import (
    FACTOR_LEVELS,
    ChannelSlice,
    ClassMap,
    ClassRow,
    Mask,
    Peak,
    Rescale,
    SaliencyMagnitude,
    TopClass,
    ZeroInsert,
)

__all__ = [
    "FACTOR_LEVELS",
    "Add",
    "AvgPool",
    "ChannelSlice",
    "ClassMap",
    "ClassRow",
    "Concat",
    "Conv",
    "Dequantize",
    "Flatten",
    "GlobalAvgPool",
    "Linear",
    "Mask",
    "MaxPool",
    "MaxPoolGradient",
    "Peak",
    "Rescale",
    "SaliencyMagnitude",
    "TopClass",
    "ZeroInsert",
]
