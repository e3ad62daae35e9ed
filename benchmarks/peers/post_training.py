"""The network of a bundle as others would deploy it: post-training INT8 with a float input.

The float graphs of ``NAME.reference`` lose the step that reads the camera's bytes, so that they
take normalised floats (ONNX ``[1, 3, H, W]``, TFLite ``[1, H, W, 3]``), and are quantised by the
static tools of their makers: ``onnxruntime.quantization`` (QDQ, uint8 activations, int8 weights per
channel) and ``ai-edge-quantizer`` (int8 throughout; ``pip install ai-edge-quantizer``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.bundle import Bundle, Reference
from edge_runtime.errors import DependencyError, GateError
from edge_runtime.files import atomic_write_bytes

__all__ = [
    "INPUT_MEAN",
    "INPUT_SCALE",
    "calibration_images",
    "float_onnx",
    "float_tflite",
    "normalised",
    "quantize_onnx",
    "quantize_tflite",
]

INPUT_MEAN = 127.0
INPUT_SCALE = 1.0 / 128.0
"""Normalised = (byte - mean) * scale."""


def normalised(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return network bytes ``[N, H, W, 3]`` as the float32 input of the peers, same shape."""
    return ((images.astype(np.float32) - INPUT_MEAN) * INPUT_SCALE).astype(np.float32)


def quantize_onnx(reference: Reference, images: NDArray[np.uint8], target: Path) -> None:
    """Quantise the ONNX reference by ONNX Runtime's static quantisation.

    Args:
        reference: The float graphs.
        images: uint8 ``[N, H, W, 3]``, network bytes for the calibration.
        target: The file to write.

    Raises:
        GateError: The graph does not begin as the export writes it.
    """
    tools: Any = import_module("onnxruntime.quantization")
    shapes: Any = import_module("onnxruntime.quantization.shape_inference")
    model = float_onnx(reference)

    class Reader(tools.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            planes = normalised(images).transpose(0, 3, 1, 2)
            self._left: Iterator[NDArray[np.float32]] = iter(np.ascontiguousarray(planes))

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            image = next(self._left, None)
            return None if image is None else {"image/real": image[None]}

    with tempfile.TemporaryDirectory() as folder:
        source, quantised = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(model.SerializeToString())
        # As its guide asks; batch norm is folded already, and shapes are fixed.
        shapes.quant_pre_process(source, source, skip_symbolic_shape=True)
        tools.quantize_static(
            source,
            quantised,
            Reader(),
            quant_format=tools.QuantFormat.QDQ,
            activation_type=tools.QuantType.QUInt8,
            weight_type=tools.QuantType.QInt8,
            per_channel=True,
        )
        atomic_write_bytes(target, quantised.read_bytes())


def quantize_tflite(reference: Reference, images: NDArray[np.uint8], target: Path) -> None:
    """Quantise the TFLite reference by ai-edge-quantizer; see :func:`quantize_onnx`.

    Raises:
        DependencyError: ai-edge-quantizer is not installed.
    """
    try:
        tools: Any = import_module("ai_edge_quantizer")
        recipes: Any = import_module("ai_edge_quantizer.recipe")
    except ModuleNotFoundError as error:
        raise DependencyError(
            f"The peer for LiteRT needs {error.name}: pip install ai-edge-quantizer."
        ) from error
    model = float_tflite(reference)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "float.tflite"
        source.write_bytes(model)
        quantizer = tools.Quantizer(str(source), recipes.static_wi8_ai8())
        for end in ("INPUT", "OUTPUT"):  # these stay float; the recipe alone makes them int8
            quantizer.update_quantization_recipe(
                regex=".*", operation_name=end, algorithm_key="no_quantize"
            )
        name = _only_signature(source)
        samples = [{name[1]: image[None]} for image in normalised(images)]
        ranges = quantizer.calibrate({name[0]: samples})
        result = quantizer.quantize(ranges)
        atomic_write_bytes(target, bytes(result.quantized_model))


def calibration_images(bundle: Bundle) -> NDArray[np.uint8]:
    """Return the golden images of a bundle, uint8 ``[N, H, W, 3]``.

    Raises:
        GateError: It has none.
    """
    if bundle.spec.golden is None:
        raise GateError(f"{bundle.path} holds no golden images to calibrate with; export it again.")
    images: NDArray[np.uint8] = bundle.read_array(bundle.spec.golden.images_file)
    return images


def float_onnx(reference: Reference) -> Any:
    """Return the float ``ModelProto``, normalised floats ``[1, 3, H, W]`` to the logits alone.

    Raises:
        GateError: The graph does not begin with Transpose and DequantizeLinear, which are cut off,
            or does not normalise as :func:`normalised` does.
    """
    onnx: Any = import_module("onnx")
    model = onnx.load_model_from_string(reference.graph("float32", "onnx")[1])
    graph = model.graph
    first, second = graph.node[:2]
    if (first.op_type, second.op_type) != ("Transpose", "DequantizeLinear"):
        raise GateError("The float ONNX graph does not begin with Transpose and DequantizeLinear.")
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    scale, zero = float(values[second.input[1]]), float(values[second.input[2]])
    if (zero, round(scale, 9)) != (INPUT_MEAN, round(INPUT_SCALE, 9)):
        raise GateError(f"The network normalises by ({zero}, {scale}), the peers do otherwise.")
    _, height, width, channels = (
        size.dim_value for size in graph.input[0].type.tensor_type.shape.dim
    )
    dropped = {*first.input, *second.input}
    kept = [tensor for tensor in graph.initializer if tensor.name not in dropped]
    del graph.node[:2], graph.input[:], graph.initializer[:]
    graph.initializer.extend(kept)
    shape = [1, channels, height, width]
    kind = onnx.TensorProto.FLOAT
    graph.input.append(onnx.helper.make_tensor_value_info("image/real", kind, shape))
    keep = [output for output in graph.output if output.name == "logits"]
    del graph.output[:]
    graph.output.extend(keep)
    return model


def float_tflite(reference: Reference) -> bytes:
    """Return the float TFLite model, normalised floats ``[1, H, W, 3]`` to the logits alone.

    Raises:
        GateError: The graph does not begin with the operator that reads the camera's bytes.
    """
    data = reference.graph("float32", "tflite")[1]
    flatbuffers: Any = import_module("flatbuffers")
    schema: Any = import_module("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(bytearray(data), 0))
    graph = model.subgraphs[0]
    first = graph.operators.pop(0)
    if list(first.inputs) != list(graph.inputs):
        raise GateError("The float TFLite graph does not begin by reading its image.")
    graph.inputs = list(first.outputs)
    kept = [index for index in graph.outputs if b"logits" in graph.tensors[index].name]
    graph.operators = [
        operator
        for operator in graph.operators
        if operator.outputs[0] in kept or operator.outputs[0] not in graph.outputs
    ]
    graph.outputs = kept
    used = {
        int(index)
        for operator in graph.operators
        for index in (*operator.inputs, *operator.outputs)
    }
    for index in sorted(set(range(len(graph.tensors))) - used, reverse=True):
        _drop_tensor(graph, index)
    model.signatureDefs = [_signature(schema, graph.inputs[0], graph.outputs[0])]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _drop_tensor(graph: Any, dropped: int) -> None:
    """Remove a tensor that no operator uses; those behind it move up."""
    del graph.tensors[dropped]
    for holder in (graph, *graph.operators):
        for side in ("inputs", "outputs"):
            moved = [index - (index > dropped) for index in getattr(holder, side)]
            setattr(holder, side, moved)


def _signature(schema: Any, image: int, logits: int) -> Any:
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serve", 0
    for name, index, side in (("image", image, "inputs"), ("logits", logits, "outputs")):
        tensor = schema.TensorMapT()
        tensor.name, tensor.tensorIndex = name, index
        setattr(signature, side, [tensor])
    return signature


def _only_signature(path: Path) -> tuple[str, str]:
    """Return the names of the model's signature and of its input."""
    interpreter: Any = import_module("ai_edge_litert.interpreter").Interpreter(str(path))
    ((name, tensors),) = interpreter.get_signature_list().items()
    return name, tensors["inputs"][0]
