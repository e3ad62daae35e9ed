"""Capture a torch model as a :class:`NetworkGraph`, batch norm folded and activations absorbed."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from edge_runtime.errors import ArtifactError
from train.quantization.graph import INPUT, NetworkGraph, Node

__all__ = ["capture"]

Parameters = dict[str, Tensor]
# A torch.fx.Node; the type of its arguments is a union that no handler could narrow.
FxNode = Any
# Anything else hands on integers of a site, and the image has none.
_TAKE_THE_IMAGE = ("conv2d", "linear", "add")


def capture(model: nn.Module, example: Tensor) -> tuple[NetworkGraph, Parameters]:
    """Trace ``model`` in evaluation mode and give its structure and its folded weights.

    Args:
        model: any module that ``torch.export`` can trace, from a normalised image to logits.
        example: float32 ``[1, 3, H, W]``, the size that the network will be used at.

    Returns:
        The graph, and the tensors ``<node>.weight`` (conv2d ``[O, I/groups, kh, kw]``, linear
        ``[O, I]``) and ``<node>.bias`` ``[O]``, float32.

    Raises:
        ArtifactError: the model cannot be traced or holds an operation that has no integer form;
            the sentence names the operation, its module and its source line.
    """
    was_training = model.training
    model.eval()
    try:
        program = torch.export.export(model, (example,))
    except Exception as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error)
        raise ArtifactError(
            f"{type(model).__name__} cannot be traced by torch.export ({first_line}); "
            "remove data-dependent control flow from its forward."
        ) from error
    finally:
        model.train(was_training)
    return _Capture(program).run()


class _Capture:
    """Walks the exported ATen graph once and writes nodes.

    Every handler takes the ATen node and gives the name of the captured node that stands for its
    output.
    """

    def __init__(self, program: torch.export.ExportedProgram) -> None:
        self.graph = program.graph
        self.tensors = _tensors_by_placeholder(program)
        self.nodes: dict[str, Node] = {}
        self.parameters: Parameters = {}
        self.alias: dict[FxNode, str] = {}
        self.padding: dict[FxNode, tuple[FxNode, list[int]]] = {}

    def run(self) -> tuple[NetworkGraph, Parameters]:
        """Visit the nodes in order."""
        output = ""
        for fx_node in self.graph.nodes:
            if fx_node.op == "placeholder" and fx_node.name not in self.tensors:
                self._add(fx_node, INPUT, "input", (), {})
            elif fx_node.op == "call_function":
                self._call(fx_node)
            elif fx_node.op == "output":
                results = fx_node.args[0]
                output = self.alias[results[0]]
        ordered = _reachable(self.nodes, output)
        return NetworkGraph(ordered), {
            name: tensor
            for name, tensor in self.parameters.items()
            if name.rpartition(".")[0] in {node.name for node in ordered}
        }

    def _call(self, fx_node: FxNode) -> None:
        handler = _HANDLERS.get(_base_name(fx_node))
        if handler is None:
            raise _unsupported(fx_node, "it has no integer form")
        handler(self, fx_node)

    def _add(
        self,
        fx_node: FxNode,
        name: str,
        operation: str,
        inputs: tuple[str, ...],
        attributes: dict[str, Any],
    ) -> str:
        if INPUT in inputs and operation not in _TAKE_THE_IMAGE:
            raise _unsupported(
                fx_node, "the image itself can only enter a convolution, a linear layer or a sum"
            )
        unique, count = name, 1
        while unique in self.nodes:
            count += 1
            unique = f"{name}_{count}"
        shape = tuple(int(size) for size in fx_node.meta["val"].shape[1:])
        self.nodes[unique] = Node(unique, operation, inputs, attributes, shape=shape)
        self.alias[fx_node] = unique
        return unique

    def _source(self, fx_node: Any) -> str:
        if fx_node in self.padding:
            raise _unsupported(fx_node, "padding is only understood in front of a convolution")
        return self.alias[fx_node]

    def _tensor(self, fx_node: Any) -> Tensor:
        if not isinstance(fx_node, torch.fx.Node) or fx_node.name not in self.tensors:
            raise _unsupported(fx_node, "its weight is computed in the graph")
        return self.tensors[fx_node.name].detach().to(torch.float32).clone()

    # Handlers, one for each kind of ATen operation.

    def convolution(self, fx_node: FxNode) -> None:
        """Case 1: plain. Case 2: behind a constant zero pad, which joins the padding."""
        arguments = dict(
            zip(
                ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
                fx_node.args,
                strict=False,
            )
        )
        arguments.update(fx_node.kwargs)
        source, extra = self.padding.get(arguments["input"], (arguments["input"], [0, 0, 0, 0]))
        weight = self._tensor(arguments["weight"])
        dilation = _pair(arguments.get("dilation", 1))
        padding = _convolution_padding(arguments.get("padding", 0), weight.shape[2:], dilation)
        name = self._add(
            fx_node,
            _module_name(fx_node, "conv2d"),
            "conv2d",
            (self._source(source),),
            {
                "stride": _pair(arguments.get("stride", 1)),
                "padding": [a + b for a, b in zip(padding, extra, strict=True)],
                "dilation": dilation,
                "groups": int(arguments.get("groups", 1)),
            },
        )
        bias = arguments.get("bias")
        self.parameters[f"{name}.weight"] = weight
        self.parameters[f"{name}.bias"] = (
            self._tensor(bias) if bias is not None else torch.zeros(weight.shape[0])
        )

    def pad(self, fx_node: FxNode) -> None:
        """Keep a constant zero pad of the two image axes for the convolution behind it."""
        mode = fx_node.args[2] if len(fx_node.args) > 2 else "constant"
        value = fx_node.args[3] if len(fx_node.args) > 3 else 0.0
        amounts = [int(amount) for amount in fx_node.args[1]]
        if mode != "constant" or (value or 0.0) != 0.0 or len(amounts) > 4:
            raise _unsupported(
                fx_node, "only constant zero padding of height and width is supported"
            )
        left, right, top, bottom = amounts + [0] * (4 - len(amounts))
        self.padding[fx_node] = (fx_node.args[0], [top, bottom, left, right])

    def batch_norm(self, fx_node: FxNode) -> None:
        """Fold into the convolution in front of it, which nobody else may read."""
        source = fx_node.args[0]
        name = self.alias.get(source, "")
        node = self.nodes.get(name)
        is_bare = node is not None and (node.operation, node.activation) == ("conv2d", "none")
        if not is_bare or len(source.users) > 1:
            raise _unsupported(fx_node, "batch norm must follow a convolution of its own")
        gamma, beta = (
            None if tensor is None else self._tensor(tensor) for tensor in fx_node.args[1:3]
        )
        mean, variance = (self._tensor(tensor) for tensor in fx_node.args[3:5])
        scale = torch.rsqrt(variance + fx_node.args[7])
        if gamma is not None:
            scale = scale * gamma
        weight, bias = self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"]
        self.parameters[f"{name}.weight"] = weight * scale.reshape(-1, 1, 1, 1)
        self.parameters[f"{name}.bias"] = (bias - mean) * scale + (0.0 if beta is None else beta)
        self.alias[fx_node] = name

    def activation(self, fx_node: FxNode) -> None:
        """Absorb ReLU or ReLU6 into the node in front of it.

        Case 1: that node is never negative and the function is ReLU: nothing to do.
        Case 2: that node has no other reader and no activation yet: absorbed.
        """
        kind = _activation_kind(fx_node)
        source = fx_node.args[0]
        name = self._source(source)
        node = self.nodes[name]
        so_far = NetworkGraph.non_negative(_Partial(tuple(self.nodes.values())))
        if kind == "relu" and name in so_far:
            self.alias[fx_node] = name
            return
        absorbs = node.operation in ("conv2d", "linear", "add")
        if not absorbs or node.activation != "none" or len(source.users) > 1:
            raise _unsupported(fx_node, "an activation must follow a layer or sum of its own")
        self.nodes[name] = Node(
            name, node.operation, node.inputs, node.attributes, kind, node.shape
        )
        self.alias[fx_node] = name

    def add(self, fx_node: FxNode) -> None:
        """A sum of two tensors of one shape."""
        left, right = fx_node.args[:2]
        same_shape = (
            isinstance(left, torch.fx.Node)
            and isinstance(right, torch.fx.Node)
            and left.meta["val"].shape == right.meta["val"].shape
        )
        if not same_shape or fx_node.kwargs.get("alpha", 1) != 1:
            raise _unsupported(fx_node, "only sums of two tensors of one shape are supported")
        inputs = (self._source(left), self._source(right))
        self._add(fx_node, _module_name(fx_node, "add", own=True), "add", inputs, {})

    def concat(self, fx_node: FxNode) -> None:
        """A concatenation along the channels."""
        axis = fx_node.args[1] if len(fx_node.args) > 1 else 0
        if axis not in (1, -3):
            raise _unsupported(fx_node, "only concatenation of channels is supported")
        inputs = tuple(self._source(item) for item in fx_node.args[0])
        self._add(fx_node, _module_name(fx_node, "concat", own=True), "concat", inputs, {})

    def max_pool(self, fx_node: FxNode) -> None:
        """Max pooling over a window without dilation."""
        if len(fx_node.args) > 4 and _pair(fx_node.args[4]) != [1, 1]:
            raise _unsupported(fx_node, "only max pooling without dilation is supported")
        self._pool(fx_node, "max_pool2d")

    def avg_pool(self, fx_node: FxNode) -> None:
        """Average pooling over a window without padding."""
        padding = _pair(fx_node.args[3]) if len(fx_node.args) > 3 else [0, 0]
        if padding != [0, 0]:
            raise _unsupported(fx_node, "only average pooling without padding is supported")
        self._pool(fx_node, "avg_pool2d")

    def _pool(self, fx_node: FxNode, operation: str) -> None:
        kernel = _pair(fx_node.args[1])
        stride = _pair(fx_node.args[2]) if len(fx_node.args) > 2 and fx_node.args[2] else kernel
        height, width = _pair(fx_node.args[3]) if len(fx_node.args) > 3 else [0, 0]
        ceil_mode_position = 5 if operation == "max_pool2d" else 4
        if fx_node.args[ceil_mode_position : ceil_mode_position + 1] == (True,):
            raise _unsupported(fx_node, "ceil_mode is not supported")
        self._add(
            fx_node,
            _module_name(fx_node, operation),
            operation,
            (self._source(fx_node.args[0]),),
            {"kernel": kernel, "stride": stride, "padding": [height, height, width, width]},
        )

    def global_avg_pool(self, fx_node: FxNode) -> None:
        """The mean over height and width, from a pooling module or ``mean``."""
        is_mean = _base_name(fx_node) == "mean"
        source = fx_node.args[0]
        if is_mean and sorted(axis % 4 for axis in fx_node.args[1]) != [2, 3]:
            raise _unsupported(fx_node, "only the mean over height and width is supported")
        if not is_mean and _pair(fx_node.args[1]) != [1, 1]:
            raise _unsupported(fx_node, "only adaptive pooling to 1 x 1 is supported")
        name = _module_name(fx_node, "global_avg_pool")
        self._add(fx_node, name, "global_avg_pool", (self._source(source),), {})

    def flatten(self, fx_node: FxNode) -> None:
        """A reshape from ``[N, C, H, W]`` to ``[N, C*H*W]``; nothing where it is flat already."""
        source = self._source(fx_node.args[0])
        shape, before = fx_node.meta["val"].shape, self.nodes[source].shape
        if len(shape) != 2 or shape[0] != 1:
            raise _unsupported(fx_node, "only flattening all but the batch is supported")
        if len(before) == 1:
            self.alias[fx_node] = source
            return
        if before[1:] not in ((), (1, 1)):
            raise _unsupported(fx_node, "flattening is understood behind global pooling only")
        self._add(fx_node, _module_name(fx_node, "flatten"), "flatten", (source,), {})

    def identity(self, fx_node: FxNode) -> None:
        """Dropout in evaluation mode, contiguous, clone: the tensor itself."""
        self.alias[fx_node] = self._source(fx_node.args[0])

    def linear(self, fx_node: FxNode) -> None:
        """A fully connected layer on flat features."""
        name = self._add(
            fx_node,
            _module_name(fx_node, "linear"),
            "linear",
            (self._source(fx_node.args[0]),),
            {},
        )
        weight = self._tensor(fx_node.args[1])
        bias = fx_node.args[2] if len(fx_node.args) > 2 else None
        self.parameters[f"{name}.weight"] = weight
        self.parameters[f"{name}.bias"] = (
            self._tensor(bias) if bias is not None else torch.zeros(weight.shape[0])
        )


_HANDLERS: dict[str, Callable[[_Capture, FxNode], None]] = {
    "conv2d": _Capture.convolution,
    "pad": _Capture.pad,
    "constant_pad_nd": _Capture.pad,
    "batch_norm": _Capture.batch_norm,
    "relu": _Capture.activation,
    "relu6": _Capture.activation,
    "hardtanh": _Capture.activation,
    "add": _Capture.add,
    "cat": _Capture.concat,
    "max_pool2d": _Capture.max_pool,
    "avg_pool2d": _Capture.avg_pool,
    "adaptive_avg_pool2d": _Capture.global_avg_pool,
    "mean": _Capture.global_avg_pool,
    "flatten": _Capture.flatten,
    "view": _Capture.flatten,
    "reshape": _Capture.flatten,
    "squeeze": _Capture.flatten,
    "dropout": _Capture.identity,
    "contiguous": _Capture.identity,
    "clone": _Capture.identity,
    "linear": _Capture.linear,
}


class _Partial(NetworkGraph):
    """The nodes captured so far: a graph that need not end in logits yet."""

    def __post_init__(self) -> None:
        pass


def _tensors_by_placeholder(program: torch.export.ExportedProgram) -> dict[str, Tensor]:
    signature = program.graph_signature
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    tensors = {**program.state_dict, **program.constants}
    return {placeholder: tensors[name] for placeholder, name in names.items()}


def _reachable(nodes: dict[str, Node], output: str) -> tuple[Node, ...]:
    """The nodes that ``output`` needs, in order."""
    needed, stack = {INPUT}, [output]
    while stack:
        name = stack.pop()
        if name not in needed:
            needed.add(name)
            stack.extend(nodes[name].inputs)
    return tuple(node for node in nodes.values() if node.name in needed)


def _base_name(fx_node: FxNode) -> str:
    """``aten.relu_.default`` to ``relu``; other callables to their own name."""
    target = fx_node.target
    if target is operator.getitem or not isinstance(target, torch._ops.OpOverload):
        return str(target)
    return str(target.overloadpacket.__name__).rstrip("_")


def _module_name(fx_node: FxNode, fallback: str, *, own: bool = False) -> str:
    """A name from the module path; ``own`` appends the operation, for functions of a module."""
    stack = list((fx_node.meta.get("nn_module_stack") or {}).values())
    path = str(stack[-1][0]) if stack else ""
    parts = [part for part in path.split(".") if part]
    return "/".join([*parts, fallback]) if own or not parts else "/".join(parts)


def _pair(value: Any) -> list[int]:
    if isinstance(value, int):
        return [value, value]
    numbers = [int(number) for number in value]
    return numbers * 2 if len(numbers) == 1 else numbers


def _convolution_padding(padding: Any, kernel: Any, dilation: list[int]) -> list[int]:
    """``[top, bottom, left, right]`` from torch's number, pair, ``"same"`` or ``"valid"``."""
    if padding == "valid":
        return [0, 0, 0, 0]
    if padding == "same":
        totals = [d * (int(k) - 1) for d, k in zip(dilation, kernel, strict=True)]
        return [
            totals[0] // 2,
            totals[0] - totals[0] // 2,
            totals[1] // 2,
            totals[1] - totals[1] // 2,
        ]
    height, width = _pair(padding)
    return [height, height, width, width]


def _activation_kind(fx_node: FxNode) -> str:
    if _base_name(fx_node) != "hardtanh":
        return _base_name(fx_node)
    bounds = [*fx_node.args[1:], *([-1.0, 1.0][len(fx_node.args) - 1 :])]
    if bounds[0] == 0.0 and bounds[1] == 6.0:
        return "relu6"
    raise _unsupported(fx_node, f"a hard tanh from {bounds[0]} to {bounds[1]} is not ReLU6")


def _unsupported(fx_node: Any, why: str) -> ArtifactError:
    target = getattr(fx_node, "target", fx_node)
    where = _module_name(fx_node, "") if isinstance(fx_node, torch.fx.Node) else ""
    trace = str(getattr(fx_node, "meta", {}).get("stack_trace") or "").strip().splitlines()
    line = next((text.strip() for text in reversed(trace) if text.strip().startswith("File")), "")
    place = f" in {where or 'the network'}" + (f" ({line})" if line else "")
    return ArtifactError(
        f"the operation {target}{place} cannot be quantised: {why}; "
        "replace it or choose another backbone."
    )
