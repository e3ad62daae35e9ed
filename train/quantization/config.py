"""The widths and quantisers of a network, and what its input means."""

from __future__ import annotations

from dataclasses import dataclass

from edge_runtime.errors import ArtifactError
from train.quantization.fake_quantize import ACTIVATION_QUANTIZERS, ActivationQuantizer
from train.quantization.weights import WEIGHT_QUANTIZERS, WeightQuantizer

__all__ = ["QuantizationConfig"]

_WIDTHS = (2, 4, 8)


@dataclass(frozen=True)
class QuantizationConfig:
    """Widths and the input's meaning.

    Attributes:
        activation_bits: width of every site but the first layer's and the logits' (8 bit).
        weight_bits: width of all weights but the first and the last layer's (8 bit).
        weight_quantizer: how weights find their grid, see ``weights``.
        activation_quantizer: which gradient the clips get, see ``fake_quantize``.
        input_mean: the byte that stands for zero, one for all channels, 0 to 255.
        input_std: bytes per unit; the network sees ``(byte - input_mean) / input_std``.
    """

    activation_bits: int = 8
    weight_bits: int = 8
    weight_quantizer: WeightQuantizer = "max"
    activation_quantizer: ActivationQuantizer = "pact"
    input_mean: int = 127
    input_std: float = 128.0

    def __post_init__(self) -> None:
        if self.activation_bits not in _WIDTHS or self.weight_bits not in _WIDTHS:
            raise ArtifactError(
                f"{self.weight_bits}-bit weights with {self.activation_bits}-bit activations are "
                "not supported; choose 8, 4 or 2 bits for each."
            )
        if self.weight_quantizer not in WEIGHT_QUANTIZERS:
            raise ArtifactError(
                f"there is no weight quantiser {self.weight_quantizer!r}; choose one of "
                f"{', '.join(WEIGHT_QUANTIZERS)}."
            )
        if self.activation_quantizer not in ACTIVATION_QUANTIZERS:
            raise ArtifactError(
                f"there is no activation quantiser {self.activation_quantizer!r}; choose one of "
                f"{', '.join(ACTIVATION_QUANTIZERS)}."
            )
        if not 0 <= self.input_mean <= 255 or not self.input_std > 0:
            raise ArtifactError(
                f"an input mean of {self.input_mean} and deviation of {self.input_std} do not "
                "describe bytes; the mean must be within 0..255 and the deviation above zero."
            )
