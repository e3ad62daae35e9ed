"""A tiny real classifier in both formats: it tells which colour shines, and where.

For pixels ``p`` in 0..1 and classes red, green and blue:

    z = relu(p - 0.5);  features = mean of z over the picture;  logits = GAIN * features @ WEIGHT.T

Its gradient map is ``max_k |GAIN * WEIGHT[c, k] / (H * W * 255)|`` where channel k shines, and its
class activation map is ``GAIN * sum_k WEIGHT[c, k] * z_k`` averaged over cells of 4 x 4 pixels.
Small enough to work out by hand, and it has the whole graph interface.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge_runtime.bundle import (
    BundleSpec,
    FeatureStatistics,
    FileRecord,
    Gate,
    Golden,
    GraphSpec,
    OperatingPoint,
    ReferenceSpec,
    SiteQuantization,
    TensorSpec,
)
from edge_runtime.files import sha256_bytes
from edge_runtime.metrics import Interval
from edge_runtime.preprocessing import Preprocessing

SIZE = 16
CELL = 4
CLASSES = ("red", "green", "blue")
GAIN = 20.0
# The features of the golden images are within 0.2 of zero, a white picture's 0.87 away.
FEATURES = FeatureStatistics(
    size=3,
    count=100,
    mean_file="features-mean.npy",
    shrinkage=0.1,
    whitening_file="features-whitening.npy",
    whitening_scale=0.5,
    threshold=0.6,
    false_alarm_rate=0.01,
)
OLD_FEATURES = replace(
    FEATURES, whitening_file=None, whitening_scale=1.0, covariance_file="features-covariance.npy"
)
WEIGHT = np.array([[1.0, -0.5, -0.5], [-0.5, 1.0, -0.5], [-0.5, -0.5, 1.0]], np.float32)


def expected_logits(images):
    """logits [N, 3] of uint8 images [N, H, W, 3], in numpy."""
    shine = np.maximum(images.astype(np.float32) / 255 - 0.5, 0)
    return (GAIN * shine.mean(axis=(1, 2)) @ WEIGHT.T).astype(np.float32)


def expected_saliency(images, mode):
    """Maps [N, h, w] for the top class, in numpy."""
    scaled = images.astype(np.float32) / 255
    rows = GAIN * WEIGHT[expected_logits(images).argmax(axis=1)][:, None, None]
    if mode == "gradient":
        return np.abs((scaled > 0.5) * rows / (SIZE * SIZE * 255)).max(axis=3)
    cells = SIZE // CELL
    shine = np.maximum(scaled - 0.5, 0).reshape(-1, cells, CELL, cells, CELL, 3).mean(axis=(2, 4))
    return (shine * rows).sum(axis=3)


def _tensors(mode):
    image = TensorSpec("image", "uint8", (1, SIZE, SIZE, 3))
    plain = (TensorSpec("logits", "float32", (1, 3)), TensorSpec("features", "float32", (1, 3)))
    if mode == "none":
        return (image,), plain
    side = SIZE if mode == "gradient" else SIZE // CELL
    return (
        (image, TensorSpec("class_index", "int32", (1,))),
        (
            *plain,
            TensorSpec("saliency", "float32", (1, side, side)),
            TensorSpec("class_index_used", "int32", (1,)),
        ),
    )


def graph_spec(graph_format, mode, precision="int8"):
    stem = {"int8": "int8", "float32": "float"}[precision]
    name = f"{stem}.{graph_format}" if mode == "none" else f"{stem}-{mode}.{graph_format}"
    inputs, outputs = _tensors(mode)
    return GraphSpec(name, graph_format, precision, mode, name, inputs, outputs)


def onnx_graph(mode):
    """Bytes of the ONNX graph for a saliency mode."""
    from onnx import TensorProto, helper, numpy_helper

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], **attributes))

    def constant(name, values, dtype):
        constants.append(numpy_helper.from_array(np.array(values, dtype), name))

    nodes, constants = [], []
    constant("scale", 1 / 255, np.float32)
    constant("half", 0.5, np.float32)
    constant("hw", [1, 2], np.int64)
    constant("weight", GAIN * WEIGHT, np.float32)
    node("Cast", ["image"], "float_image", to=TensorProto.FLOAT)
    node("Mul", ["float_image", "scale"], "scaled")
    node("Sub", ["scaled", "half"], "shifted")
    node("Relu", ["shifted"], "shine")
    node("ReduceMean", ["shine", "hw"], "features", keepdims=0)
    node("Gemm", ["features", "weight"], "logits", transB=1)
    if mode != "none":
        constant("zero", 0, np.int32)
        constant("channel", [3], np.int64)
        constant("channel_shape", [1, 1, 1, 3], np.int64)
        node("ArgMax", ["logits"], "top_long", axis=1, keepdims=0)
        node("Cast", ["top_long"], "top", to=TensorProto.INT32)
        node("Less", ["class_index", "zero"], "wants_top")
        node("Where", ["wants_top", "top", "class_index"], "class_index_used")
        node("Gather", ["weight", "class_index_used"], "row_flat", axis=0)
        node("Reshape", ["row_flat", "channel_shape"], "row")
    if mode == "gradient":
        constant("per_pixel", 1 / (SIZE * SIZE * 255), np.float32)
        node("Sign", ["shine"], "mask")
        node("Mul", ["mask", "row"], "signed_steps")
        node("Mul", ["signed_steps", "per_pixel"], "gradient")
        node("Abs", ["gradient"], "magnitude")
        node("ReduceMax", ["magnitude", "channel"], "saliency", keepdims=0)
    elif mode == "cam":
        node("Transpose", ["shine"], "shine_nchw", perm=[0, 3, 1, 2])
        node(
            "AveragePool", ["shine_nchw"], "cells_nchw", kernel_shape=[CELL, CELL],
            strides=[CELL, CELL],
        )  # fmt: skip
        node("Transpose", ["cells_nchw"], "cells", perm=[0, 2, 3, 1])
        node("Mul", ["cells", "row"], "parts")
        node("ReduceSum", ["parts", "channel"], "saliency", keepdims=0)
    kinds = {
        "uint8": TensorProto.UINT8, "int32": TensorProto.INT32, "float32": TensorProto.FLOAT
    }  # fmt: skip
    inputs, outputs = (
        [helper.make_tensor_value_info(t.name, kinds[t.dtype], t.shape) for t in tensors]
        for tensors in _tensors(mode)
    )
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return model.SerializeToString()


class _TfliteGraph:
    """A TFLite model under construction: named tensors, constants and operators."""

    _DTYPES = ("float32", "int32", "uint8", "bool")

    def __init__(self):
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.tensors, self.operators, self.codes = [], [], []
        self.buffers = [schema.BufferT()]
        self.index = {}

    def tensor(self, name, shape, dtype="float32", values=None):
        kinds = self.schema.TensorType
        tensor = self.schema.TensorT()
        tensor.name, tensor.shape = name, list(shape)
        tensor.type = {
            "float32": kinds.FLOAT32,
            "int32": kinds.INT32,
            "uint8": kinds.UINT8,
            "bool": kinds.BOOL,
        }[dtype]
        if values is not None:
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(np.array(values, dtype).tobytes(), np.uint8)
            self.buffers.append(buffer)
            tensor.buffer = len(self.buffers) - 1
        self.index[name] = len(self.tensors)
        self.tensors.append(tensor)
        return name

    def node(self, op, inputs, output, shape, dtype="float32", options=None, **attributes):
        code = getattr(self.schema.BuiltinOperator, op)
        if code not in self.codes:
            self.codes.append(code)
        operator = self.schema.OperatorT()
        operator.opcodeIndex = self.codes.index(code)
        operator.inputs = [self.index[name] for name in inputs]
        operator.outputs = [self.index[self.tensor(output, shape, dtype)]]
        if options:
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(self.schema, f"{options}T")()
            for name, value in attributes.items():
                setattr(operator.builtinOptions, name, value)
        self.operators.append(operator)

    def build(self, inputs, outputs):
        import flatbuffers

        subgraph, model = self.schema.SubGraphT(), self.schema.ModelT()
        subgraph.tensors, subgraph.operators = self.tensors, self.operators
        subgraph.inputs = [self.index[name] for name in inputs]
        subgraph.outputs = [self.index[name] for name in outputs]
        model.version, model.subgraphs, model.buffers = 3, [subgraph], self.buffers
        model.operatorCodes = []
        for code in self.codes:
            entry = self.schema.OperatorCodeT()
            entry.builtinCode = code
            entry.deprecatedBuiltinCode = min(code, 127)
            entry.version = 1
            model.operatorCodes.append(entry)
        builder = flatbuffers.Builder(4096)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def tflite_graph(mode):
    """Bytes of the TFLite graph for a saliency mode."""
    graph = _TfliteGraph()
    full, cells = (1, SIZE, SIZE, 3), (1, SIZE // CELL, SIZE // CELL, 3)
    kinds = graph.schema.TensorType
    graph.tensor("image", full, "uint8")
    graph.tensor("scale", (), values=1 / 255)
    graph.tensor("half", (), values=0.5)
    graph.tensor("hw", (2,), "int32", [1, 2])
    graph.tensor("weight", (3, 3), values=GAIN * WEIGHT)
    graph.tensor("bias", (3,), values=np.zeros(3))
    cast = {"options": "CastOptions", "outDataType": kinds.FLOAT32}
    graph.node("CAST", ["image"], "float_image", full, inDataType=kinds.UINT8, **cast)
    graph.node("MUL", ["float_image", "scale"], "scaled", full, options="MulOptions")
    graph.node("SUB", ["scaled", "half"], "shifted", full, options="SubOptions")
    graph.node("RELU", ["shifted"], "shine", full)
    graph.node("MEAN", ["shine", "hw"], "features", (1, 3), options="ReducerOptions")
    fully_connected = {"options": "FullyConnectedOptions"}
    graph.node(
        "FULLY_CONNECTED", ["features", "weight", "bias"], "logits", (1, 3), **fully_connected
    )
    if mode != "none":
        graph.tensor("class_index", (1,), "int32")
        graph.tensor("zero", (1,), "int32", [0])
        graph.tensor("axis", (), "int32", 1)
        graph.tensor("channel", (1,), "int32", [3])
        graph.tensor("channel_shape", (4,), "int32", [1, 1, 1, 3])
        graph.node(
            "ARG_MAX", ["logits", "axis"], "top", (1,), "int32",
            options="ArgMaxOptions", outputType=kinds.INT32,
        )  # fmt: skip
        graph.node("LESS", ["class_index", "zero"], "wants_top", (1,), "bool")
        graph.node(
            "SELECT_V2", ["wants_top", "top", "class_index"], "class_index_used", (1,), "int32"
        )
        graph.node("GATHER", ["weight", "class_index_used"], "row_flat", (1, 3),
                   options="GatherOptions", axis=0)  # fmt: skip
        graph.node("RESHAPE", ["row_flat", "channel_shape"], "row", (1, 1, 1, 3))
    if mode == "gradient":
        graph.tensor("dark", (), values=0)
        graph.tensor("per_pixel", (), values=1 / (SIZE * SIZE * 255))
        graph.node("GREATER", ["shine", "dark"], "shines", full, "bool")
        graph.node("CAST", ["shines"], "mask", full, inDataType=kinds.BOOL, **cast)
        graph.node("MUL", ["mask", "row"], "signed_steps", full, options="MulOptions")
        graph.node("MUL", ["signed_steps", "per_pixel"], "gradient", full, options="MulOptions")
        graph.node("ABS", ["gradient"], "magnitude", full)
        graph.node(
            "REDUCE_MAX", ["magnitude", "channel"], "saliency", full[:3], options="ReducerOptions"
        )
    elif mode == "cam":
        graph.node("AVERAGE_POOL_2D", ["shine"], "cells", cells, options="Pool2DOptions",
                   padding=graph.schema.Padding.VALID, strideW=CELL, strideH=CELL,
                   filterWidth=CELL, filterHeight=CELL)  # fmt: skip
        graph.node("MUL", ["cells", "row"], "parts", cells, options="MulOptions")
        graph.node("SUM", ["parts", "channel"], "saliency", cells[:3], options="ReducerOptions")
    inputs, outputs = _tensors(mode)
    return graph.build([t.name for t in inputs], [t.name for t in outputs])


def golden_images(count=6):
    """uint8 [N, SIZE, SIZE, 3]: noise with a clear dominant colour, classes in turn."""
    noise = np.random.default_rng(3).integers(0, 140, (count, SIZE, SIZE, 3))
    for index in range(count):
        noise[index, 2:9, 3:10, index % 3] += 110
    return noise.astype(np.uint8)


def write_bundle(folder, formats=("onnx", "tflite"), graph_bytes=None, **changes):
    """Write a whole bundle (and return its spec); `changes` replace fields of the spec."""
    images = golden_images()
    files = {
        "golden-images.npy": images,
        "golden-logits.npy": expected_logits(images),
        "golden-gradient.npy": expected_saliency(images, "gradient").astype(np.float32),
        "golden-cam.npy": expected_saliency(images, "cam").astype(np.float32),
        "features-mean.npy": np.zeros(3, np.float32),
        "features-covariance.npy": np.eye(3, dtype=np.float32),
        "features-whitening.npy": np.array([2, 0, 2, 0, 0, 2], np.float16),
    }
    folder = Path(folder)
    folder.mkdir(parents=True)
    for name, array in files.items():
        np.save(folder / name, array)
    build = {"onnx": onnx_graph, "tflite": tflite_graph}
    graphs = [graph_spec(form, mode) for form in formats for mode in ("none", "gradient", "cam")]
    for graph in graphs:
        key = (graph.format, graph.saliency)
        data = (graph_bytes or {}).get(key) or build[graph.format](graph.saliency)
        (folder / graph.file).write_bytes(data)
    fields = {
        "name": "tiny",
        "classes": CLASSES,
        "preprocessing": Preprocessing(SIZE, SIZE),
        "graphs": tuple(graphs),
        "files": _records(folder),
        "golden": Golden(
            images_file="golden-images.npy",
            logits_file="golden-logits.npy",
            saliency_files={"gradient": "golden-gradient.npy", "cam": "golden-cam.npy"},
            logit_step=0.01,
        ),
        "features": FEATURES,
        "quantization": (SiteQuantization("shine", 0.5, 8, False, 0.5 / 255),),
        "temperature": 1.5,
        "operating_points": (
            OperatingPoint(
                "green", 0.95, 0.25, Interval(0.96, 0.9, 1.0), Interval(0.8, 0.7, 0.9), 25, 75
            ),
        ),
        "provenance": {"images": 100, "seed": 7},
        "metrics": {"accuracy": 0.98},
        "gates": (Gate("onnx top-1 agreement", 1.0, 0.99, True),),
    }
    spec = BundleSpec(**{**fields, **changes})
    (folder / "bundle.json").write_text(json.dumps(spec.to_json(), indent=1))
    return spec


def write_reference(folder):
    """Write NAME.reference with the plain ONNX graph as its float graph."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    (folder / "float.onnx").write_bytes(onnx_graph("none"))
    graph = graph_spec("onnx", "none", "float32")
    spec = ReferenceSpec(
        "tiny", CLASSES, Preprocessing(SIZE, SIZE), (graph,), _records(folder), "0" * 64
    )
    (folder / "reference.json").write_text(json.dumps(spec.to_json()))
    return spec


def _records(folder):
    return {
        path.name: FileRecord(sha256_bytes(path.read_bytes()), path.stat().st_size)
        for path in folder.iterdir()
    }
