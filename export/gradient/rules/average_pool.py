"""The gradient of the mean over windows."""

from __future__ import annotations

import numpy as np

from export import operations as ops
from export.gradient.backward import Backward
from export.gradient.rules.convolution import ConvolutionRule

__all__ = ["AveragePoolRule"]


class AveragePoolRule:
    """That of the depthwise convolution with equal weights that it is."""

    def apply(self, backward: Backward, operation: ops.AvgPool) -> None:
        """Mask at the mean, then spread over the window."""
        height, width = operation.kernel
        channels = backward.program.tensors[operation.input].shape[0]
        mean = ops.Conv(
            operation.input,
            operation.output,
            operation.output,
            np.ones((channels, 1, height, width), np.int8),
            np.full(channels, 1 / (height * width), np.float32),
            np.zeros(channels, np.int32),
            stride=operation.stride,
            groups=channels,
        )
        ConvolutionRule().apply(backward, mean)
