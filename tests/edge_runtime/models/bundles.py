"""Bundles that differ in name, compute something wrong, or crash the engine that loads them."""

from __future__ import annotations

import numpy as np

from tests.edge_runtime import tiny_graphs


def write_named(folder, name, **changes):
    """A good bundle of that name; its hash follows from the name."""
    tiny_graphs.write_bundle(folder, name=name, **changes)
    return folder


def write_wrong(folder):
    """A bundle whose golden outputs no engine gives: its graphs add to every logit."""
    graph = tiny_graphs.onnx_graph("none").replace(
        np.float32(0.5).tobytes(), np.float32(0.4).tobytes()
    )
    return write_named(folder, "wrong", graph_bytes={("onnx", "none"): graph})


def write_crashing(folder):
    """A bundle that is whole, and whose plain TFLite graph takes LiteRT down with it."""
    return write_named(folder, "crashing", graph_bytes={("tflite", "none"): crashing_graph()})


def crashing_graph():
    """A valid TFLite file in which a conditional calls itself: preparing it never ends."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(
        schema.Model.GetRootAs(bytearray(tiny_graphs.tflite_graph("none")), 0)
    )
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.IF
    code.version = 1
    model.operatorCodes.append(code)
    true = schema.BufferT()
    true.data = [1]
    model.buffers.append(true)

    def tensor(name, shape, kind, buffer=0):
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, shape, kind, buffer
        return made

    def condition():
        return tensor("true", [1], schema.TensorType.BOOL, len(model.buffers) - 1)

    def conditional(inputs, outputs):
        operator = schema.OperatorT()
        operator.opcodeIndex = len(model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, outputs
        operator.builtinOptionsType = schema.BuiltinOptions.IfOptions
        operator.builtinOptions = schema.IfOptionsT()
        operator.builtinOptions.thenSubgraphIndex = operator.builtinOptions.elseSubgraphIndex = 1
        return operator

    main = model.subgraphs[0]
    main.tensors.append(condition())
    for index, operator in enumerate(main.operators):
        if main.tensors[operator.outputs[0]].name == b"shine":
            inputs = [len(main.tensors) - 1, operator.inputs[0]]
            main.operators[index] = conditional(inputs, list(operator.outputs))
    side = tiny_graphs.SIZE
    loop = schema.SubGraphT()
    kind = schema.TensorType.FLOAT32
    loop.tensors = [tensor(name, [1, side, side, 3], kind) for name in "xy"] + [condition()]
    loop.inputs, loop.outputs, loop.operators = [0], [1], [conditional([2, 0], [1])]
    model.subgraphs.append(loop)
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
