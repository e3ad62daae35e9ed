"""Read the learned ranges back out of the files: does every alpha arrive, to the last bit?

The expected scale is worked out here from the network's alpha (the checkpoint's, but for what
:mod:`export.near_ties` moved in its last bits) and the numbers contract alone,
and the files are read through the formats' own definitions. Nothing is shared with the lowering or
the emitters but the names of the network's nodes.

Contract: an unsigned site has scale ``alpha / (2^k - 1)`` at zero point 0 (ONNX, uint8) or -128
(TFLite, int8); a signed site ``alpha / (2^(k-1) - 1)`` at 128 (ONNX) or 0 (TFLite).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema

from train.quantization import QuantizedNetwork

__all__ = ["Stored", "StoredRange", "read_ranges", "stored_onnx", "stored_tflite"]

# Bounds on bytes stand between a kernel and the tensor that a k-bit site names.
_BOUNDS = ("Min", "Max")


@dataclass(frozen=True)
class Stored:
    """Quantisation of one tensor as a file has it: scale float32, zero point, tensor name."""

    tensor: str
    scale: np.float32
    zero_point: int


@dataclass(frozen=True)
class StoredRange:
    """One node's range in the checkpoint and in both files.

    Attributes:
        node: node of the network.
        site: the site that its output is quantised at; several nodes may share one.
        alpha: learned clip.
        bits: width.
        signed: whether negative values are kept.
        scale: what the contract gives.
        onnx: what the ONNX file has; None where the tensor is not quantised there by itself.
        tflite: what the TFLite file has, likewise.
    """

    node: str
    site: str
    alpha: float
    bits: int
    signed: bool
    scale: np.float32
    onnx: Stored | None
    tflite: Stored | None

    def arrives(self, file_format: str) -> bool:
        """Whether a file has exactly this scale and the contract's zero point."""
        stored = self.onnx if file_format == "onnx" else self.tflite
        zero_points = {"onnx": (0, 128), "tflite": (-128, 0)}[file_format]
        return (
            stored is not None
            and stored.scale.tobytes() == self.scale.tobytes()
            and stored.zero_point == zero_points[self.signed]
        )

    def to_json(self) -> dict[str, Any]:
        """For the report."""
        record: dict[str, Any] = {
            "node": self.node,
            "site": self.site,
            "alpha": self.alpha,
            "bits": self.bits,
            "signed": self.signed,
            "scale": float(self.scale),
        }
        for name, stored in (("onnx", self.onnx), ("tflite", self.tflite)):
            record[name] = stored and {
                "tensor": stored.tensor,
                "scale": float(stored.scale),
                "zero_point": stored.zero_point,
                "exact": self.arrives(name),
            }
        return record


def read_ranges(
    network: QuantizedNetwork, onnx_model: bytes, tflite_model: bytes
) -> tuple[StoredRange, ...]:
    """The ranges of every node that quantises, in the order of the network.

    Nodes that hand on the bytes of another (max pooling, flattening, joining) are left out: in ONNX
    their bytes carry no scale of their own.
    """
    in_onnx, in_tflite = stored_onnx(onnx_model), stored_tflite(tflite_model)
    ranges = []
    for node in network.graph.nodes[1:]:
        if node.operation in ("max_pool2d", "flatten", "concat"):
            continue
        site = network.site_of(node.name)
        levels = 2 ** (site.bits - 1) - 1 if site.signed else 2**site.bits - 1
        alpha = float(site.alpha.detach())
        ranges.append(
            StoredRange(
                node=node.name,
                site=next(name for name, other in network.sites.items() if other is site),
                alpha=alpha,
                bits=site.bits,
                signed=site.signed,
                scale=np.float32(alpha / levels),
                onnx=in_onnx.get(node.name),
                tflite=in_tflite.get(node.name),
            )
        )
    return tuple(ranges)


def stored_onnx(model: bytes) -> dict[str, Stored]:
    """Tensor name to the operands of the QuantizeLinear that it comes from."""
    graph = onnx.load_model_from_string(model).graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    found: dict[str, Stored] = {}
    for node in graph.node:
        if node.op_type == "QuantizeLinear":
            scale = np.frombuffer(constants[node.input[1]].raw_data, "<f4")
            zero = np.frombuffer(constants[node.input[2]].raw_data, np.uint8)
            if scale.size == 1 and zero.size == 1:
                stored = Stored(node.output[0], np.float32(scale[0]), int(zero[0]))
                found[node.output[0]] = stored
        elif node.op_type in _BOUNDS:
            source = _first_known(node.input, found)
            if source is not None:
                found[node.output[0]] = source
    return found


def stored_tflite(model: bytes) -> dict[str, Stored]:
    """Tensor name to its per-tensor quantisation."""
    graph = schema.Model.GetRootAs(model, 0).Subgraphs(0)
    found: dict[str, Stored] = {}
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        quantization = tensor.Quantization()
        if quantization is not None and quantization.ScaleLength() == 1:
            name = tensor.Name().decode()
            scale = np.float32(quantization.Scale(0))
            found[name] = Stored(name, scale, int(quantization.ZeroPoint(0)))
    return found


def _first_known(names: Iterable[str], found: dict[str, Stored]) -> Stored | None:
    return next((found[name] for name in names if name in found), None)
