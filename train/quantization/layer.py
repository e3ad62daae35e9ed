"""The weight and bias of one node, and their integers: the one place that training and export ask.

A layer's scale may be computed from its weights or learned; whoever needs it calls
:meth:`Layer.scale`, so that the exported integers are those that were trained with.
"""

from __future__ import annotations

from torch import Tensor, nn

from train.quantization.weights import WeightQuantizer, bias_steps, weight_scales, weight_steps

__all__ = ["Layer"]


class Layer(nn.Module):
    """Weight ``[O, ...]`` and bias ``[O]`` of one node, float32, learnable.

    Attributes:
        weight: real values.
        bias: real values.
        bits: width of the weight.
        quantizer: how the weight finds its grid.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor, bits: int, quantizer: WeightQuantizer = "max"
    ) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.bits, self.quantizer = bits, quantizer

    def scale(self) -> Tensor:
        """The real value of one step of each output channel, float32 ``[O]``, without gradient."""
        return weight_scales(self.weight, self.bits, self.quantizer)

    def weight_steps(self, scale: Tensor) -> Tensor:
        """The integers of the weight, float32, in steps of ``scale``; straight-through."""
        return weight_steps(self.weight, scale, self.bits, self.quantizer)

    def rounded_weight(self) -> Tensor:
        """The real values that the integers of the weight stand for, float32."""
        scale = self.scale()
        return self.weight_steps(scale) * scale.reshape(-1, *[1] * (self.weight.dim() - 1))

    def bias_steps(self, scale: Tensor, input_scale: Tensor) -> Tensor:
        """The integers of the bias, float32, in steps of ``scale`` times ``input_scale``."""
        return bias_steps(self.bias, scale, input_scale)
