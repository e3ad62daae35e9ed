"""torch's own INT8 on the processor: post-training, FX graph mode, the kernels of oneDNN.

The network is read back from the float ONNX graph of a reference, so that it has the very weights
of the other contestants and nothing but convolutions, clips, sums, the mean and the linear layer.
torch cannot trace what timm builds for TensorFlow's padding; here the padding has numbers. The
quantised network is traced and frozen, which torch runs faster than the graph in Python.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import nn

from benchmarks.peers.minimal_loop import OFFSET, SCALE, Array, Engine
from benchmarks.peers.post_training import float_onnx, normalised
from edge_runtime.bundle import Reference
from edge_runtime.errors import GateError
from edge_runtime.files import atomic_write_bytes

__all__ = ["network_of", "quantize_torch", "torch_engine"]

# A fifth of the time of "x86" and an eighth of "fbgemm", for EfficientNet-Lite0 with VNNI.
_BACKEND, _SIDE = "onednn", "side"


def network_of(model: onnx.ModelProto) -> torch.fx.GraphModule:
    """Return a float ONNX graph as a torch network, image float32 ``[1, 3, H, W]`` to logits.

    Raises:
        GateError: It has an operation that is not known here.
    """
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    root, graph = nn.Module(), torch.fx.Graph()
    values = {model.graph.input[0].name: graph.placeholder("image")}
    for number, node in enumerate(model.graph.node):
        taken = [values[name] for name in node.input if name in values]
        if node.op_type == "Add" and len(taken) == 2:
            values[node.output[0]] = graph.call_function(torch.add, tuple(taken))
            continue
        layer = _layer(node, [weights[name] for name in node.input if name in weights])
        name = f"layer{number}"
        root.add_module(name, layer)
        values[node.output[0]] = graph.call_module(name, tuple(taken))
    graph.output(values["logits"])
    network = torch.fx.GraphModule(root, graph).eval()
    network.graph.eliminate_dead_code()
    network.recompile()
    return network


def _layer(node: onnx.NodeProto, weights: list[NDArray[Any]]) -> nn.Module:
    settings = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    if node.op_type == "Conv":
        return _convolution(weights, settings)
    if node.op_type == "Gemm":
        linear = nn.Linear(*weights[0].shape[::-1])
        linear.load_state_dict(_state(weights))
        return linear
    if node.op_type == "Clip":
        low, high = (float(value) for value in weights)
        return nn.ReLU6() if (low, high) == (0.0, 6.0) else nn.Hardtanh(low, high)
    if node.op_type == "MaxPool":
        top, left, bottom, right = settings["pads"]
        if (top, left) != (bottom, right):
            raise GateError("torch has no max pooling with unequal padding.")
        return nn.MaxPool2d(settings["kernel_shape"], settings["strides"], (top, left))
    simple: dict[str, Callable[[], nn.Module]] = {
        "Relu": nn.ReLU,
        "GlobalAveragePool": lambda: nn.AdaptiveAvgPool2d(1),
        "Flatten": nn.Flatten,
        "Identity": nn.Identity,
    }
    if node.op_type not in simple:
        raise GateError(f"The peer in torch does not know the operation {node.op_type}.")
    return simple[node.op_type]()


def _convolution(weights: list[NDArray[Any]], settings: dict[str, Any]) -> nn.Module:
    out_channels, in_channels, *size = weights[0].shape
    top, left, bottom, right = settings["pads"]
    even = (top, left) == (bottom, right)
    convolution = nn.Conv2d(
        in_channels * settings["group"],
        out_channels,
        tuple(size),
        settings["strides"],
        (top, left) if even else 0,
        settings["dilations"],
        settings["group"],
    )
    convolution.load_state_dict(_state(weights))
    if even:
        return convolution
    return nn.Sequential(nn.ZeroPad2d((left, right, top, bottom)), convolution)


def _state(weights: list[NDArray[Any]]) -> dict[str, torch.Tensor]:
    names = ("weight", "bias")
    return {name: torch.tensor(array) for name, array in zip(names, weights, strict=True)}


def quantize_torch(reference: Reference, images: NDArray[np.uint8], target: Path) -> None:
    """Quantise the reference's network by torch and write it as TorchScript.

    Args:
        reference: The float graphs.
        images: uint8 ``[N, H, W, 3]``, network bytes for the calibration.
        target: The file to write.

    Raises:
        GateError: The graph holds what is not known here.
    """
    from torch.ao.quantization import get_default_qconfig_mapping, quantize_fx

    network = network_of(float_onnx(reference))
    batches = [torch.from_numpy(image.transpose(2, 0, 1)[None]) for image in normalised(images)]
    torch.backends.quantized.engine = _BACKEND
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # it is deprecated in favour of torchao, another package
        mapping = get_default_qconfig_mapping(_BACKEND)
        observed = quantize_fx.prepare_fx(network, mapping, (batches[0],))
        for batch in batches:
            observed(batch)
        quantised = quantize_fx.convert_fx(observed)
        traced = torch.jit.freeze(
            torch.jit.trace(quantised.eval(), batches[0])  # type: ignore[no-untyped-call]
        )
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "int8.pt"
            torch.jit.save(traced, str(file), _extra_files={_SIDE: str(images.shape[1])})
            atomic_write_bytes(target, file.read_bytes())


def torch_engine(model: str, threads: int = 1) -> Engine:
    """The network of :func:`quantize_torch`, whose input is written in place."""
    torch.set_num_threads(threads)
    torch.backends.quantized.engine = _BACKEND
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stored = {_SIDE: ""}
        network = torch.jit.load(model, _extra_files=stored)  # type: ignore[no-untyped-call]
    side = int(stored[_SIDE])
    # Channels last is what its kernels work in.
    image = torch.zeros(1, 3, side, side).contiguous(memory_format=torch.channels_last)
    view: Array = image[0].permute(1, 2, 0).numpy()

    def normalise(small: Array) -> None:
        view[...] = small
        np.multiply(view, SCALE, out=view)
        np.subtract(view, OFFSET, out=view)

    def run() -> Array:
        with torch.inference_mode():
            answer: Array = network(image)[0].numpy()
        return answer

    return side, normalise, run
