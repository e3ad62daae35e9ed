"""How much each layer loses by being computed in integers, and where its range cuts.

The signal is the folded float network in torch, the noise its difference from the exact integer
reference, on the same images. Two ratios tell different things:

1. whole: the reference as it runs, so that a layer carries the noise of all before it;
2. own: the layer alone, its inputs rounded from the float network's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.program import IMAGE, Operation, Program, ProgramTensor, run_all
from train.batches import image_batches
from train.quantization import QuantizedNetwork

__all__ = ["HISTOGRAM_BINS", "LayerNoise", "measure_noise"]

HISTOGRAM_BINS = 64
# The histograms reach so far beyond the range, in multiples of it.
_REACH = 2.0
# All tensors of float network and reference are in memory for so many images.
_AT_ONCE = 4


@dataclass(frozen=True)
class LayerNoise:
    """One layer's output.

    Attributes:
        tensor: name of the node and of its tensor.
        sqnr_db: signal to quantisation noise of the whole, in decibels; None without signal or
            without noise.
        own_sqnr_db: the same of the layer alone.
        clipped_noise: share of the layer's own noise at values beyond its range, 0 to 1; the rest
            is rounding, of weights, inputs and output.
        histogram: float values, counts over 64 equal bins of [0, 2 alpha], or [-2 alpha, 2 alpha]
            if signed; values beyond belong to the last bin.
        beyond: share of the float values beyond alpha.
    """

    tensor: str
    sqnr_db: float | None
    own_sqnr_db: float | None
    clipped_noise: float
    histogram: tuple[int, ...]
    beyond: float

    def to_json(self) -> dict[str, Any]:
        """For the report."""
        return {**self.__dict__, "histogram": list(self.histogram)}


@dataclass
class _Sums:
    """Powers and counts of one tensor, summed over batches."""

    signal: float = 0.0
    whole: float = 0.0
    own: float = 0.0
    own_clipped: float = 0.0
    values: int = 0
    beyond: int = 0
    histogram: NDArray[np.int64] = field(default_factory=lambda: np.zeros(HISTOGRAM_BINS, np.int64))

    def add(self, spec: ProgramTensor, exact: Tensor, whole: Tensor, own: Tensor) -> None:
        alpha = _alpha(spec)
        outside = exact.abs() > alpha
        own_noise = (own - exact).square()
        self.signal += float(exact.square().sum())
        self.whole += float((whole - exact).square().sum())
        self.own += float(own_noise.sum())
        self.own_clipped += float(own_noise[outside].sum())
        self.values += exact.numel()
        self.beyond += int(outside.sum())
        lowest = -_REACH * alpha if spec.signed else 0.0
        place = (exact - lowest) / (_REACH * alpha - lowest) * HISTOGRAM_BINS
        bins = place.long().clamp(0, HISTOGRAM_BINS - 1).reshape(-1)
        self.histogram += torch.bincount(bins, minlength=HISTOGRAM_BINS).numpy()

    def noise(self, tensor: str) -> LayerNoise:
        return LayerNoise(
            tensor=tensor,
            sqnr_db=_decibels(self.signal, self.whole),
            own_sqnr_db=_decibels(self.signal, self.own),
            clipped_noise=self.own_clipped / self.own if self.own else 0.0,
            histogram=tuple(self.histogram.tolist()),
            beyond=self.beyond / self.values,
        )


def measure_noise(
    network: QuantizedNetwork, program: Program, images: NDArray[np.uint8]
) -> tuple[LayerNoise, ...]:
    """Compare every layer of the plain program with the float network.

    Args:
        network: the program's source; it quantises again afterwards if it did before.
        program: without saliency.
        images: uint8 ``[N, H, W, 3]``, one at least.

    Returns:
        The layers that write integers, in execution order.
    """
    nodes = {node.name for node in network.graph.nodes} - {IMAGE}
    layers = [op for op in program.operations if op.output in nodes and _compares(op, program)]
    names = [node.name for node in network.graph.nodes]
    sums = {op.output: _Sums() for op in layers}
    quantizes, network.quantize = network.quantize, False
    try:
        for start in range(0, len(images), _AT_ONCE):
            part = images[start : start + _AT_ONCE]
            (batch,) = image_batches(part, _AT_ONCE)
            with torch.no_grad():
                floats = network.outputs(batch, *names)
            exact = {name: value.double() for name, value in zip(names, floats, strict=True)}
            integers = run_all(program, part)
            for operation in layers:
                spec = program.tensors[operation.output]
                sums[operation.output].add(
                    spec,
                    exact[operation.output],
                    spec.dequantize(integers[operation.output]),
                    _alone(operation, program, exact, integers[IMAGE]),
                )
    finally:
        network.quantize = quantizes
    return tuple(found.noise(name) for name, found in sums.items())


def _compares(operation: Operation, program: Program) -> bool:
    return program.tensors[operation.output].is_integer and all(
        program.tensors[name].is_integer for name in operation.inputs
    )


def _alone(
    operation: Operation, program: Program, exact: dict[str, Tensor], image: Tensor
) -> Tensor:
    """The output of one integer operation whose inputs are rounded from the float network's."""
    specs = program.tensors
    inputs = {
        name: image if name == IMAGE else specs[name].quantize(exact[name])
        for name in operation.inputs
    }
    with torch.no_grad():
        return specs[operation.output].dequantize(operation.run(specs, inputs))


def _alpha(spec: ProgramTensor) -> float:
    """The upper end of a tensor's range."""
    assert spec.scale is not None
    return spec.scale * spec.high


def _decibels(signal: float, noise: float) -> float | None:
    if signal <= 0 or noise <= 0:
        return None
    return 10 * math.log10(signal / noise)
