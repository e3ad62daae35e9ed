"""Reading the nodes of an exported ATen graph: names, paddings, and what to say of one."""

from __future__ import annotations

import operator
from typing import Any

import torch

from edge_runtime.errors import ArtifactError
from train.source_lines import where_traced

__all__ = [
    "FxNode",
    "activation_kind",
    "base_name",
    "convolution_padding",
    "module_name",
    "pair",
    "unsupported",
]

# A torch.fx.Node; the type of its arguments is a union that no handler could narrow.
FxNode = Any


def base_name(fx_node: FxNode) -> str:
    """``aten.relu_.default`` to ``relu``; other callables to their own name."""
    target = fx_node.target
    if target is operator.getitem or not isinstance(target, torch._ops.OpOverload):
        return str(target)
    return str(target.overloadpacket.__name__).rstrip("_")


def module_name(fx_node: FxNode, fallback: str, *, own: bool = False) -> str:
    """A name from the module path; ``own`` appends the operation, for functions of a module."""
    stack = list((fx_node.meta.get("nn_module_stack") or {}).values())
    path = str(stack[-1][0]) if stack else ""
    parts = [part for part in path.split(".") if part]
    return "/".join([*parts, fallback]) if own or not parts else "/".join(parts)


def pair(value: Any) -> list[int]:
    """``[h, w]`` from torch's number or sequence."""
    if isinstance(value, int):
        return [value, value]
    numbers = [int(number) for number in value]
    return numbers * 2 if len(numbers) == 1 else numbers


def convolution_padding(padding: Any, kernel: Any, dilation: list[int]) -> list[int]:
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
    height, width = pair(padding)
    return [height, height, width, width]


def activation_kind(fx_node: FxNode) -> str:
    """``relu`` or ``relu6``; a hard tanh from 0 to 6 is the latter.

    Raises:
        ArtifactError: a hard tanh with other bounds.
    """
    if base_name(fx_node) != "hardtanh":
        return base_name(fx_node)
    bounds = [*fx_node.args[1:], *([-1.0, 1.0][len(fx_node.args) - 1 :])]
    if bounds[0] == 0.0 and bounds[1] == 6.0:
        return "relu6"
    raise unsupported(fx_node, f"a hard tanh from {bounds[0]} to {bounds[1]} is not ReLU6")


def unsupported(fx_node: FxNode, why: str) -> ArtifactError:
    """The error that names the operation, its module and its source line, and says why."""
    target = getattr(fx_node, "target", fx_node)
    where = module_name(fx_node, "") if isinstance(fx_node, torch.fx.Node) else ""
    line = where_traced(str(getattr(fx_node, "meta", {}).get("stack_trace") or ""))
    place = f" in {where or 'the network'}" + (f" ({line})" if line else "")
    return ArtifactError(
        f"the operation {target}{place} cannot be quantised: {why}; "
        "replace it or choose another backbone."
    )
